"""How good samples are, and which of several trainings is better."""
