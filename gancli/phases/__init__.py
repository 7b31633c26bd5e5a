"""Parts of training, each with its own losses and fraction of the budget."""
