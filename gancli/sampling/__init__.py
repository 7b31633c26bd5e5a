"""From seeds to items."""
