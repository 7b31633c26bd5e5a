"""The commands, a file each: parse, then make one call of the library."""
