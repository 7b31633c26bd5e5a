"""Bytes on disk: atomic files, tensors, checkpoints, and what is bundled."""
