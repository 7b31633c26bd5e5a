"""``python -m gancli``, which is also how torchrun starts it."""

from gancli.cli.app import main

if __name__ == "__main__":
    main()
