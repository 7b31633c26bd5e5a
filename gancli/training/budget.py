"""How much training is wanted, and how much of it is spent."""

from dataclasses import dataclass

from gancli.config import TrainConfig

DEFAULT_SECONDS = 600.0
KINDS = ("time", "steps", "images")


@dataclass(frozen=True)
class Budget:
    """An amount of training in one unit.

    Args:
        kind: ``time`` (seconds of training), ``steps`` or ``images``.
        amount: How many.
    """

    kind: str
    amount: float

    @classmethod
    def of(cls, config: TrainConfig) -> "Budget":
        """Return the config's budget; ten minutes when it names none."""
        if config.steps is not None:
            return cls("steps", config.steps)
        if config.images is not None:
            return cls("images", config.images)
        return cls("time", config.time or DEFAULT_SECONDS)

    def progress(self, step: int, images: int, seconds: float) -> float:
        """Return the fraction that is spent, 0 to 1."""
        spent = {"time": seconds, "steps": step, "images": images}[self.kind]
        return min(spent / self.amount, 1.0)

    def items(self, batch: int) -> float | None:
        """Return the items it pays for in steps of so many, or None where the clock decides."""
        if self.kind == "time":
            return None
        return self.amount * (batch if self.kind == "steps" else 1)

    def seconds_left(self, step: int, images: int, seconds: float) -> float | None:
        """Return an estimate of the time to go, or None at the very start."""
        if self.kind == "time":
            return max(self.amount - seconds, 0.0)
        progress = self.progress(step, images, seconds)
        return None if progress == 0 else seconds * (1 - progress) / progress

    def __str__(self) -> str:
        if self.kind == "time":
            if self.amount >= 120:
                return f"{self.amount / 60:,.4g} minutes"
            return f"{self.amount:.4g} seconds"
        # Texts and sounds are counted by the same option as pictures.
        return f"{self.amount:,.0f} {'items' if self.kind == 'images' else self.kind}"
