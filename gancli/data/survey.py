"""Examining or decoding a source's files, and the errors that all modalities share."""

from collections.abc import Callable
from typing import TypeVar

from gancli.data.member import BadMember, Member, first_names
from gancli.data.source import Source
from gancli.errors import GancliError
from gancli.reporting import Reporter

_Result = TypeVar("_Result")

# Enough files to reveal a mixture, few enough bytes to be read within seconds.
_MIN_FILES, _MAX_BYTES = 32, 256 << 20

# Suffixes of what data sets contain besides pictures or sounds.
COMPANION_SUFFIXES = frozenset(
    ".txt .md .json .jsonl .csv .tsv .xml .html .htm .yaml .yml .toml .py .pdf .npy .npz .mat "
    ".mp4 .mov .avi .mkv .webm .zip .tar .gz .tgz .sha256 .db .ini".split()
)


def survey(
    source: Source, members: list[Member], limit: int, examine: Callable[[Member], _Result],
    noun: str, hint: str,
) -> list[_Result]:
    """Examine evenly spaced files, fewer of them if they are large.

    Args:
        source: The files.
        members: Those to choose from, at least one.
        limit: Maximum number of files to examine.
        examine: Returns what matters about a file, or raises BadMember.
        noun, hint: For :func:`refuse_if_mostly_broken`.

    Returns:
        The results in the order in which the files lie in the source.

    Raises:
        GancliError: More than half of the files examined cannot be used.
    """
    mean_bytes = max(1, sum(member.size for member in members) // len(members))
    count = min(len(members), limit, max(_MIN_FILES, _MAX_BYTES // mean_bytes))
    names = {members[index * len(members) // count].name for index in range(count)}
    results: list[_Result] = []
    broken: list[tuple[str, str]] = []
    for member in source.in_storage_order():
        if member.name in names:
            try:
                results.append(examine(member))
            except BadMember as error:
                broken.append((member.name, str(error)))
    refuse_if_mostly_broken(broken, count, noun, hint)
    return results


def decode_all(
    source: Source, members: list[Member], decode: Callable[[int, Member], None], strict: bool,
    reporter: Reporter, interval: int, noun: str, hint: str,
) -> list[tuple[str, str]]:
    """Decode files in the order of the source, without those that are broken.

    Args:
        source: The files.
        members: Those to decode.
        decode: Decodes a file and stores the result, given its index in ``members`` and the file,
            or raises BadMember.
        strict: Whether to refuse the first broken file.
        reporter: Receives the progress after every ``interval`` files.
        interval: See ``reporter``.
        noun, hint: For :func:`refuse_if_mostly_broken`.

    Returns:
        Name and problem of each broken file, sorted.

    Raises:
        GancliError: More than half of the files cannot be used, or with ``strict`` any.
    """
    indices = {member.name: index for index, member in enumerate(members)}
    broken: list[tuple[str, str]] = []
    done = 0
    for member in source.in_storage_order():
        if member.name not in indices:
            continue
        try:
            decode(indices[member.name], member)
        except BadMember as error:
            if strict:
                raise cannot_use(member.name, str(error)) from error
            broken.append((member.name, str(error)))
        done += 1
        if done % interval == 0 or done == len(members):
            reporter.progress("decoding", done, len(members))
    refuse_if_mostly_broken(broken, len(members), noun, hint)
    return sorted(broken)


def refuse_if_mostly_broken(
    broken: list[tuple[str, str]], count: int, noun: str, hint: str
) -> None:
    """Check that at least half of the files can be used.

    Args:
        broken: Name and problem of each file that cannot.
        count: Number of all files.
        noun: What the files are, in the plural.
        hint: What to do about it.

    Raises:
        GancliError: With the first three names.
    """
    if 2 * len(broken) > count:
        raise GancliError(
            f"{len(broken):,} of {count:,} {noun} cannot be used: {first_names(broken)}.", hint
        )


def no_files(noun: str, source: Source, hint: str) -> GancliError:
    """Return the error for a source without files of the kind that ``noun`` (a plural) says."""
    return GancliError(
        f"There are no {noun} among the {len(source.members)} files of {str(source.path)!r}.", hint
    )


def cannot_use(name: str, problem: str) -> GancliError:
    """Return the error for a broken file under ``--strict``."""
    return GancliError(
        f"The file {name!r} cannot be used: {problem}.",
        "Repair or remove it, or leave out --strict to skip such files.",
    )


def single_item(noun: str, path: str, advice: str = "") -> GancliError:
    """Return the error for data that holds one item, with further advice."""
    return GancliError(
        f"There is only a single {noun} in {path!r}, which is not enough to learn from.",
        "Give at least two; a few hundred are a good start." + advice,
    )
