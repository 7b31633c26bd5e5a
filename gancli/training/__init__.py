"""The one training loop, for every modality."""
