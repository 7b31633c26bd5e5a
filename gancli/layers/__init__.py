"""The vocabulary of layers: each kind by the name that the command line uses."""
