"""How fast training goes, for people to read."""


class Pace:
    """Steps a second, smoothed over about twenty of them."""

    def __init__(self) -> None:
        self.value = 0.0

    def record(self, seconds: float) -> None:
        """Record the time of a step."""
        now = 1 / max(seconds, 1e-9)
        self.value = 0.95 * self.value + 0.05 * now if self.value else now
