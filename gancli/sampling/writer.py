"""Writes samples one by one; each modality's writers build on these."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from gancli.errors import UsageError
from gancli.sampling.request import Sample, SampleRequest
from gancli.sampling.target import Target, held_back, refuse_existing
from gancli.storage.files import replacing


class Writer(ABC):
    """Writes samples to one place; a context that ends the output when all went well.

    Args:
        requests: What it wants, in the order in which it is to be written.
        files: What will be there afterwards; empty for standard output.
        force: Whether a file that exists may be replaced.

    Raises:
        GancliError: A file exists already, or its directory cannot be read.
    """

    def __init__(
        self, requests: Sequence[SampleRequest], files: Sequence[Path], force: bool
    ) -> None:
        refuse_existing(files, force)
        self.requests, self.files = requests, list(files)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:  # what is open hears of it, so that no half of a file is left
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self.finish()

    @abstractmethod
    def write(self, sample: Sample) -> None:
        """Take the next sample."""

    def finish(self) -> None:  # noqa: B027 - most have nothing to do
        """Write what could only be written once all samples were there."""


class Unwritten(Writer):
    """Writes nothing: the samples are for something else, such as the terminal."""

    @staticmethod
    def refuse(given: Mapping[str, object]) -> None:
        """Check that no option is about files.

        Args:
            given: Values by flag; None and False are not given.

        Raises:
            UsageError: One is.
        """
        for flag, value in given.items():
            if value is not None and value is not False:
                raise UsageError(
                    f"{flag} is about what is written, but --show without -o writes nothing.",
                    f"Add -o, or leave {flag} out.",
                )

    def write(self, sample: Sample) -> None:
        pass


class StreamWriter(Writer):
    """Writes to one file, or to standard output.

    Args:
        requests: As for every writer.
        target: The file or standard output.
        also: Further files that will be written.
    """

    stream: BinaryIO

    def __init__(
        self, requests: Sequence[SampleRequest], target: Target, also: Sequence[Path] = ()
    ) -> None:
        files = [] if target.path is None else [target.path]
        super().__init__(requests, [*files, *also], target.force)
        self.target = target

    def __enter__(self) -> Self:
        self.stream = self._stack.enter_context(self.open())
        return self

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open the target, of which nothing is seen before all went well."""
        path = self.target.path
        return held_back(self.target.stdout) if path is None else replacing(path)
