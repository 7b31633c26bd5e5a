"""Plain text as samples: lines, paragraphs, a stream, or what stands between separators."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gancli.config.unicode import decomposed, normalized
from gancli.errors import UsageError

# A longer line or paragraph is cut to about this many characters.
MAX_CHARACTERS = 1 << 20
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_LEADING_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")

# What corpora for language models write before, after and between texts.
_TOKEN = re.compile(
    r"<\|(?:start|end|begin|bos|eos|eot|sep)\w*\|>|</?s>|<(?:bos|eos|sep)>|\[(?:BOS|EOS|SEP)\]",
    re.IGNORECASE,
)
_RULE = re.compile(r"[-=*_~#%+•—–―─═◆◇★☆※§]{1,80}")
_MIN_RULES, _MIN_RULE_SHARE = 3, 0.02


@dataclass(frozen=True)
class Plain:
    """Lines, paragraphs or a stream.

    Args:
        split: ``lines``, ``paragraphs`` or ``stream``.
    """

    split: str
    place = "line"
    windowed = True
    sentence = ""

    def records(self, blocks: Iterable[str]) -> Iterator[list[str]]:
        """Yield the samples, empty ones included, some at a time."""
        if self.split == "lines":
            return lines(blocks)
        return paragraphs(blocks) if self.split == "paragraphs" else _stream(blocks)


@dataclass(frozen=True)
class Separated:
    """Samples of any number of lines with something between them.

    Args:
        pattern: Matches what separates them.
        shown: The same for a person.
    """

    pattern: re.Pattern[str]
    shown: str
    place = "sample"
    windowed = False

    @property
    def sentence(self) -> str:
        return (
            f"Samples are separated by {self.shown} and may span lines (--separator '\\n' reads "
            "lines)."
        )

    def records(self, blocks: Iterable[str]) -> Iterator[list[str]]:
        """Yield the samples without empty ones, some at a time."""
        for texts in _cut(self.pattern, blocks):
            yield [text for text in texts if text.strip()]


def separated_by(separator: str) -> Separated:
    """Return the format of samples with a text between them."""
    forms = {separator, normalized(separator), decomposed(separator)}
    return Separated(re.compile("|".join(map(re.escape, sorted(forms)))), repr(separator))


def unescaped(separator: str) -> str:
    r"""Return a separator as typed in a shell, with \n, \t, \0 and \\ replaced.

    Raises:
        UsageError: It is empty.
    """
    if not separator:
        raise UsageError("--separator is empty.", "Give the text between samples, or leave it out.")
    named = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
    return re.sub(r"\\([nt0\\])", lambda match: named[match[1]], separator)


def find_separator(head: str, rules: bool) -> Separated | None:
    """Return the format of a file that begins like this if special tokens or zeros divide it.

    Args:
        head: The beginning of the file.
        rules: Whether lines such as --- or %, the same each time, count too.
    """
    if tokens := _tokens(head):
        names = "|".join(map(re.escape, tokens))
        pattern = re.compile(rf"[^\S\n]*(?:{names})[^\S\n]*")
        return Separated(pattern, " and ".join(map(repr, tokens)))
    if "\0" in head:
        return Separated(re.compile("\0"), "bytes of zero")
    rows = [line.strip() for line in head.split("\n") if line.strip()]
    counts = Counter(line for line in rows if _RULE.fullmatch(line))
    if rules and len(counts) == 1:
        ((rule, count),) = counts.items()
        if count >= max(_MIN_RULES, _MIN_RULE_SHARE * len(rows)) and 2 * count <= len(rows) + 1:
            around = rf"(?m)^[^\S\n]*{re.escape(rule)}[^\S\n]*\n"
            return Separated(re.compile(around), f"lines of {rule!r}")
    return None


def _tokens(head: str) -> list[str]:
    """Return the special tokens in the beginning of a file, sorted."""
    counts = Counter(_TOKEN.findall(head))
    # Those with bars never occur in prose; others, such as <s>, count at the ends of lines.
    if any("|" in token for token in counts):
        return sorted(counts)
    either = "|".join(map(re.escape, counts))
    edges = len(re.findall(rf"(?m)^\s*(?:{either})|(?:{either})\s*$", head)) if counts else 0
    return sorted(counts) if edges > max(1, 0.9 * counts.total()) else []


def lines(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cut text into lines, block by block; of an endless line the beginning is kept."""
    rest = ""
    for block in blocks:
        *whole, rest = (rest + block).split("\n")
        rest = rest[:MAX_CHARACTERS]
        if whole:
            yield whole
    if rest:
        yield [rest]


def paragraphs(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cut text at blank lines; line breaks within a paragraph stay."""
    return _cut(_BLANK_LINES, blocks)


def _cut(pattern: re.Pattern[str], blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cut text at a pattern, without blank lines at the ends of each part."""
    rest = ""
    for block in blocks:
        *whole, rest = pattern.split(rest + block)
        rest = rest[: MAX_CHARACTERS + 1]
        if whole:
            yield [_trim(part) for part in whole]
    yield [_trim(part) for part in pattern.split(rest + "\n")]


def _trim(text: str) -> str:
    """Return a text without blank lines at its ends."""
    leading = _LEADING_BLANK_LINES.match(text)
    text = text[leading.end() :] if leading else text
    end = text.find("\n", len(text.rstrip()))
    return text if end < 0 else text[:end]


def _stream(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Yield the pieces of a stream, which ends with a line break."""
    last = ""
    for piece in whole_words(blocks):
        last = piece[-1]
        yield [piece]
    if last not in ("", "\n"):
        yield ["\n"]


def whole_words(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a stream after line breaks, or else before spaces, so that no word is split."""
    rest = ""
    for block in blocks:
        text = rest + block
        cut = text.rfind("\n") + 1 or text.rfind(" ")
        if cut <= 0 and len(text) > MAX_CHARACTERS:
            cut = len(text)
        cut = max(cut, 0)
        rest = text[cut:]
        if cut:
            yield text[:cut]
    if rest:
        yield rest
