"""Writes samples one by one; each modality's writers build on these."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from gancli.errors import UsageError
from gancli.sampling.lazy import Lazy, Ranges
from gancli.sampling.request import Sample, SampleRequest, SeedRequests
from gancli.sampling.target import Target, held_back, refuse_existing
from gancli.storage.files import explained, replacing
from gancli.storage.outputs import check_writable, refuse_to_replace


class Writer(ABC):
    """Writes samples to one place; a context that ends the output when all went well.

    Args:
        requests: What it wants, in the order in which it is to be written.
        files: What will be there afterwards; empty for standard output.
        force: Whether a file that exists may be replaced.

    Raises:
        UsageError: A file already exists.
        GancliError: Its directory cannot be written to.
    """

    def __init__(
        self, requests: Sequence[SampleRequest], files: Sequence[Path], force: bool
    ) -> None:
        refuse_existing(files, force)
        self.requests, self.files = requests, files
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:  # what is open is told, so that no half of a file is left
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self.finish()

    @abstractmethod
    def write(self, sample: Sample) -> None:
        """Take the next sample."""

    def finish(self) -> None:  # noqa: B027 - most have nothing to do
        """Write what could only be written once all samples were there."""


def name_of(seed: int, suffix: str) -> str:
    """Return the file name of a seed's sample; names sort as seeds do, up to a million."""
    return f"seed-{seed:06d}{suffix}"


class FolderWriter(Writer):
    """Writes a file for each seed to a directory.

    Args:
        seeds: Of the samples; one that comes again is written once.
        target: The directory.
        suffix: Of the files.
        also: Further files that will be written.
    """

    def __init__(
        self, seeds: Sequence[int], target: Target, suffix: str, also: Sequence[Path] = ()
    ) -> None:
        assert target.path is not None
        distinct = Ranges.of(seeds).distinct()
        super().__init__(SeedRequests(distinct), also, target.force)
        self.folder, self.suffix = target.path, suffix
        check_writable(self.folder)
        refuse_to_replace(self._existing(distinct), target.force)

        def file(place: int) -> Path:
            beyond = place - len(distinct)
            return also[beyond] if beyond >= 0 else self.file_of(distinct[place])

        self.files = Lazy(range(len(distinct) + len(also)), file)

    def file_of(self, seed: int) -> Path:
        """Return the file of a seed's sample."""
        return self.folder / name_of(seed, self.suffix)

    def _existing(self, seeds: Ranges) -> list[Path]:
        """Return the files of seeds that exist: a look at each file, not at each seed."""
        with explained(self.folder):
            names = os.listdir(self.folder) if self.folder.exists() else []
        found = []
        for name in names:
            digits = name.removeprefix("seed-").removesuffix(self.suffix)
            if digits.isascii() and digits.isdigit() and len(digits) < 20:
                seed = int(digits)
                if name == name_of(seed, self.suffix) and seed in seeds:
                    found.append(seed)
        return [self.file_of(seed) for seed in sorted(found)]


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
