"""What runs a generator and a discriminator; one file an engine."""
