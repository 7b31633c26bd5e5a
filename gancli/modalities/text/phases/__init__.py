"""The parts of training on text."""
