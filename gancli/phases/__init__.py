"""Parts of training, each with its own losses and share of the budget."""
