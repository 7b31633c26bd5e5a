"""Layers by the names that the command line uses for them."""
