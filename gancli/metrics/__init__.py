"""Measures of generated against real items; one idea a file."""
