"""gancli: small generative adversarial networks of your own images, from the shell."""

__version__ = "0.1.0"
