"""Sequences that are computed where they are looked at: millions of seeds take no memory."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar, overload

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Lazy(Sequence[_Out], Generic[_In, _Out]):
    """What a function makes of each item of another sequence.

    Args:
        items: The other sequence.
        make: Makes an item of one of its items, again each time that it is looked at.
    """

    def __init__(self, items: Sequence[_In], make: Callable[[_In], _Out]) -> None:
        self._items, self._make = items, make

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, place: int) -> _Out: ...

    @overload
    def __getitem__(self, place: slice) -> "Lazy[_In, _Out]": ...

    def __getitem__(self, place: int | slice) -> "_Out | Lazy[_In, _Out]":
        if isinstance(place, slice):
            return Lazy(self._items[place], self._make)
        return self._make(self._items[place])


class Ranges(Sequence[int]):
    """The numbers of some ranges that count up by one, one range after the other.

    Args:
        parts: The ranges; empty ones do not count.
    """

    def __init__(self, parts: Iterable[range]) -> None:
        self.parts = [part for part in parts if part]
        self._ends = list(accumulate(map(len, self.parts)))
        ascending = sorted(self.parts, key=lambda part: part.start)
        self._starts = [part.start for part in ascending]
        self._reached = list(accumulate((part.stop for part in ascending), max))

    @classmethod
    def of(cls, numbers: Sequence[int]) -> "Ranges":
        """Return the ranges that any sequence of numbers consists of."""
        if isinstance(numbers, Ranges):
            return numbers
        if isinstance(numbers, range) and numbers.step == 1:
            return cls([numbers])
        parts: list[range] = []
        for number in numbers:
            if parts and number == parts[-1].stop:
                parts[-1] = range(parts[-1].start, number + 1)
            else:
                parts.append(range(number, number + 1))
        return cls(parts)

    def distinct(self) -> "Ranges":
        """Return the numbers without those that came before."""
        taken: list[range] = []  # in ascending order, apart from each other
        found: list[range] = []
        for part in self.parts:
            first = bisect_right(taken, part.start, key=lambda each: each.stop - 1)
            if first and taken[first - 1].stop > part.start:
                first -= 1
            start, last = part.start, first
            while last < len(taken) and taken[last].start < part.stop:
                found.append(range(start, taken[last].start))
                start = max(start, taken[last].stop)
                last += 1
            found.append(range(start, part.stop))
            overlapped = [part, *taken[first:last]]
            taken[first:last] = [
                range(min(each.start for each in overlapped), max(each.stop for each in overlapped))
            ]
        return Ranges(found)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        before = bisect_right(self._starts, number)  # ranges that begin at it or below
        return before > 0 and self._reached[before - 1] > number

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> list[int]: ...

    def __getitem__(self, place: int | slice) -> int | list[int]:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        place = range(len(self))[place]  # counts from the end where negative, or refuses
        index = bisect_right(self._ends, place)
        part = self.parts[index]
        return part[place - self._ends[index]]  # from the end of the part
