"""The layers of the DCGAN for any picture side that is a multiple of 4: sides and channels."""

_WIDEST = 8  # deeper layers double their channels up to this multiple of the width, as in DCGAN


def sides(size: int) -> list[int]:
    """Return the sides from the smallest picture layer (4 to 7) up to ``size``."""
    ladder = [size]
    while ladder[0] >= 8:
        ladder.insert(0, (ladder[0] + 1) // 2)
    return ladder


def channels(width: int, count: int) -> list[int]:
    """Return the channels of ``count`` layers, from the one nearest the picture inwards."""
    return [min(width * 2**depth, width * _WIDEST) for depth in range(count)]
