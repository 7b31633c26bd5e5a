"""Adversarial losses and penalties, one idea a file."""
