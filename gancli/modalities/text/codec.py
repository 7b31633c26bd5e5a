"""Which way texts leave, by the options and the name that they get."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gancli.errors import UsageError
from gancli.modalities.base import Stdout
from gancli.modalities.text.config import TextSampleConfig
from gancli.modalities.text.generated import TextItems
from gancli.modalities.text.writers import (
    Folder,
    Record,
    Stream,
    Writer,
    as_json,
    encoded,
    escape,
    line,
    terminated,
)
from gancli.reporting import Reporter
from gancli.sampling.classes import class_index, class_of
from gancli.storage.files import write_file

if TYPE_CHECKING:
    from gancli.modalities.text.spec import TextSpec

# Names that promise something else than text, with the program that makes it of a stream.
_PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".zip": "", ".tar": ""}


def write(
    items: TextItems,
    seeds: list[int],
    spec: "TextSpec",
    options: TextSampleConfig,
    reporter: Reporter,
    stdout: Stdout,
) -> list[Path]:
    """Write the texts of seeds and return the files; see the contract of a modality.

    Args:
        items: Makes the samples of seeds, in their order, few ahead of what is taken.
        seeds: The seeds.
        spec: Knows the classes, and whether a text may span lines.
        options: Where and how.
        reporter: Hears that line breaks are escaped.
        stdout: Gives the stream for texts that go to no file.

    Raises:
        UsageError: The options do not go together.
        GancliError: A file is there already or cannot be written.
    """
    check(spec, options)
    writer = choose_writer(spec, options)
    if isinstance(writer, Stream) and writer.record is line and spec.split != "lines":
        reporter.note(
            "A sample is a line: breaks inside it are written as \\n. To keep them, give -0, "
            "--jsonl or -o DIR/."
        )
    return writer.write(items, seeds, options.force, stdout)


def check(spec: "TextSpec", options: TextSampleConfig) -> None:
    """Check what can be checked before the work.

    Raises:
        UsageError: The model has no such class, or the prompt is no text.
    """
    if options.class_name is not None:
        class_index(options.class_name, spec.classes)
    if options.prompt is None:
        return
    if not options.prompt:
        raise UsageError("--prompt is empty.", "Give the words to begin with, or leave it out.")
    if any("\ud800" <= character <= "\udfff" for character in options.prompt):
        raise UsageError("--prompt is not valid UTF-8.", "Set the terminal to UTF-8.")


def choose_writer(spec: "TextSpec", options: TextSampleConfig) -> Writer:
    """Return the writer that the options ask for.

    Raises:
        UsageError: The options do not go together.
    """
    path, folder = _target(options.output)
    if options.json_lines and options.null:
        raise UsageError(
            "-0 ends samples by NUL, but objects end with a newline.",
            "Leave -0 out: JSON keeps line breaks as they are." if options.jsonl
            else "Leave -0 out, or give -o another suffix than .jsonl.",
        )
    if folder:
        assert path is not None
        for flag, given in (("--jsonl", options.jsonl), ("-0", options.null)):
            if given:
                raise UsageError(
                    f"{flag} writes all samples to one file, but -o {options.output} is a "
                    "directory.",
                    f"Leave {flag} out, or name a file.",
                )
        return Folder(path)
    return Stream(path, _record(spec, options))


def _record(spec: "TextSpec", options: TextSampleConfig) -> Record:
    if not options.json_lines:
        return terminated if options.null else line

    def label(seed: int) -> str | None:
        index = class_of(seed, options.class_name, spec.classes, spec.class_counts)
        return None if index is None else spec.classes[index]

    return as_json(label)


def _target(output: str | None) -> tuple[Path | None, bool]:
    """Return the path, None for standard output, and whether it is a directory."""
    if output in (None, "-"):
        return None, False
    assert output is not None
    if not output:
        raise UsageError("-o names nothing.", "Give a file, a directory, or - for stdout.")
    path = Path(output)
    if output.endswith(("/", os.sep)) or path.is_dir():
        return path, True
    suffix = path.suffix.lower()
    if suffix in _PACKED:
        program = _PACKED[suffix]
        raise UsageError(
            f"-o {output}: texts are not written as {suffix}.",
            f"Send them on with | {program} > {output}." if program
            else "Give a name such as samples.txt, or a directory with a / at its end.",
        )
    return path, False


def preview(texts: Sequence[str], path: Path) -> None:
    """Write a few texts as a line each.

    Args:
        texts: The texts.
        path: Where; ``.txt`` is added if it is missing.
    """
    if path.suffix != ".txt":
        path = path.with_name(path.name + ".txt")
    write_file(path, encoded("".join(escape(text) + "\n" for text in texts)))
