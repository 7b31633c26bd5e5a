"""Metrics as TensorBoard reads them, beside ``metrics.jsonl``."""

from pathlib import Path
from typing import Any

from gancli.errors import GancliError


class Board:
    """Writes events to a folder.

    Args:
        folder: Where events go.
        step: Events of a killed process beyond this step are hidden.

    Raises:
        GancliError: The tensorboard extra is missing.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise GancliError(
                "--tensorboard needs a package that is not installed.",
                "Install it with: pip install 'gancli[tensorboard]'",
            ) from error
        self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1)

    def add(self, entry: dict[str, Any]) -> None:
        """Write the numbers of an entry of metrics.jsonl."""
        for name, value in entry.items():
            if name != "step" and isinstance(value, int | float):
                self._writer.add_scalar(name, value, entry["step"])

    def close(self) -> None:
        """Write what is not written yet."""
        self._writer.close()
