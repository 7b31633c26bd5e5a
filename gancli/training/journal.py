"""What a run's log remembers beside figures: warnings, and the machine that trains."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gancli.reporting import Forwarding, Reporter


class Journal(Forwarding):
    """Passes everything on to a reporter, and keeps the warnings for the run's log.

    Args:
        reporter: Receives everything.
    """

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(reporter)
        self._waiting: list[str] = []
        self._log: Callable[[str], None] = self._waiting.append

    def begin(
        self, log: Callable[[Mapping[str, Any]], None], step: Callable[[], int],
        entries: Sequence[Mapping[str, Any]], machine: Mapping[str, Any],
    ) -> None:
        """Write to a run's log from now on, and first the warnings of before.

        A resumed run repeats the warnings about its data, and mostly runs on the same machine;
        that is written once, and so is a warning that is repeated at the same step.

        Args:
            log: Takes an entry.
            step: Returns the step that training is at.
            entries: The log so far.
            machine: What trains, by what it is called.
        """

        def write(text: str) -> None:
            if (step(), text) not in known:
                log({"step": step(), "warning": text})

        known = [(entry["step"], entry.get("warning")) for entry in entries]
        machines = [entry["machine"] for entry in entries if "machine" in entry]
        if machines[-1:] != [machine]:
            log({"step": step(), "machine": machine})
        for text in dict.fromkeys(self._waiting):
            if not any(text == entry.get("warning") for entry in entries):
                write(text)
        self._log = write

    def keep(self, text: str) -> None:
        """Keep what is reported in another way, such as by an error."""
        self._log(text)

    def warn(self, text: str) -> None:
        super().warn(text)
        self._log(text)
