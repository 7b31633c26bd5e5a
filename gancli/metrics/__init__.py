"""Measures of generated against real items, one idea per file."""
