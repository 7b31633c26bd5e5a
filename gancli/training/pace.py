"""How fast training goes, for people to read."""


class Pace:
    """Items a second, smoothed over about twenty steps."""

    def __init__(self) -> None:
        self.value = 0.0

    def record(self, items: int, seconds: float) -> None:
        """Record a step of so many items."""
        now = items / max(seconds, 1e-9)
        self.value = 0.95 * self.value + 0.05 * now if self.value else now
