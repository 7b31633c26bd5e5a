"""Which files of a source claim to be of a kind."""

from collections.abc import Callable, Collection
from pathlib import PurePosixPath

from gancli.data.member import BadMember, Member
from gancli.data.source import Source


def claimed(
    source: Source, suffixes: Collection[str], others: Collection[str], count: int,
    recognize: Callable[[bytes], bool],
) -> list[Member]:
    """Return the files that claim to be of a kind, in the order of their names.

    Args:
        source: The files.
        suffixes: Of the kind, in small letters.
        others: Suffixes of what is no such file; any further ones are judged by their first bytes.
        count: How many of these ``recognize`` looks at.
        recognize: Whether a file that starts so is of the kind.
    """

    def is_one(member: Member) -> bool:
        suffix = PurePosixPath(member.name).suffix.lower()
        if suffix in suffixes or suffix in others:
            return suffix in suffixes
        try:
            return recognize(member.head(count))
        except BadMember:
            return False

    found = [member for member, _ in source.stream() if is_one(member)]
    return sorted(found, key=lambda member: member.name)
