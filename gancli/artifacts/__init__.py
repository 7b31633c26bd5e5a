"""What a training leaves behind: the run, the model, and what can be made of them."""
