"""Folders, archives and bundled samples, turned into arrays."""
