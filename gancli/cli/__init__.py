"""The shell's face: a file per command, each of which parses and makes one library call."""
