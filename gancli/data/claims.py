"""Which files of a source claim to be of a kind, by their names or first bytes."""

from collections.abc import Callable, Collection
from posixpath import splitext

from gancli.data.member import BadMember, Member
from gancli.data.source import Source


def claimed(
    source: Source, suffixes: Collection[str], others: Collection[str], count: int,
    recognize: Callable[[bytes], bool],
) -> list[Member]:
    """Return the files that claim to be of a kind, sorted by name.

    Args:
        source: The files.
        suffixes: Suffixes of the kind, in lower case.
        others: Suffixes of other kinds; a file with any further suffix goes by its first bytes.
        count: How many of these ``recognize`` is given.
        recognize: Returns whether a file with these first bytes is of the kind.
    """

    def matches(member: Member) -> bool:
        suffix = splitext(member.name)[1].lower()
        if suffix in suffixes or suffix in others:
            return suffix in suffixes
        try:
            return recognize(member.head(count))
        except BadMember:
            return False

    matching = [member for member in source.in_storage_order() if matches(member)]
    return sorted(matching, key=lambda member: member.name)
