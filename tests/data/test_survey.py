"""Examining some of the files, and refusing data that is mostly broken."""

from pathlib import Path

import pytest
from helpers import Recorder

from gancli.data import survey as surveys
from gancli.data.member import BadMember, Member
from gancli.data.source import Source, open_source
from gancli.data.survey import decode_all, refuse_if_mostly_broken, survey
from gancli.errors import GancliError


def source_of(folder: Path, count: int) -> Source:
    for index in range(count):
        (folder / f"{index:03}").write_bytes(b"x" * 10)
    return open_source(str(folder))


def name_of(member: Member) -> str:
    if member.name == "050":
        raise BadMember("it is damaged")
    return member.name


def test_evenly_spaced_files_are_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(tmp_path, 100)
    assert survey(source, source.members, 4, name_of, "files", "") == ["000", "025", "075"]
    assert len(survey(source, source.members, 1000, name_of, "files", "")) == 99
    monkeypatch.setattr(surveys, "_MAX_BYTES", 400)
    assert len(survey(source, source.members, 1000, name_of, "files", "")) == 39
    monkeypatch.setattr(surveys, "_MAX_BYTES", 1)
    assert len(survey(source, source.members, 1000, name_of, "files", "")) == 31


def test_mostly_broken_files_are_refused() -> None:
    broken = [(f"{index}.png", "it is damaged") for index in range(4)]
    refuse_if_mostly_broken([], 1, "pictures", "")
    refuse_if_mostly_broken(broken, 8, "pictures", "")
    with pytest.raises(GancliError, match="4 of 7 pictures cannot be used") as caught:
        refuse_if_mostly_broken(broken, 7, "pictures", "")
    assert "'0.png', '1.png', '2.png', ...: it is damaged" in caught.value.message
    problems = [("x", "it is empty"), *broken, ("y", "1"), ("z", "2")]
    with pytest.raises(GancliError, match=r"it is damaged; 'x': it is empty; 'y': 1; \.\.\."):
        refuse_if_mostly_broken(problems, 7, "pictures", "")
    with pytest.raises(GancliError, match="1 of 1"):
        refuse_if_mostly_broken(broken[:1], 1, "pictures", "")


def test_all_listed_files_but_the_broken_ones_are_decoded(tmp_path: Path) -> None:
    source = source_of(tmp_path, 60)
    members = source.members[50:57]
    decoded: list[tuple[int, str]] = []

    def decode(index: int, member: Member) -> None:
        decoded.append((index, name_of(member)))

    reporter = Recorder()
    broken = decode_all(source, members, decode, False, reporter, 3, "files", "")
    assert broken == [("050", "it is damaged")]
    assert decoded == [(index, f"{50 + index:03}") for index in range(1, 7)]
    assert reporter.progressed == [("decoding", done, 7) for done in (3, 6, 7)]
    with pytest.raises(GancliError, match="The file '050' cannot be used: it is damaged"):
        decode_all(source, members, decode, True, reporter, 3, "files", "")
    with pytest.raises(GancliError, match="1 of 1 files cannot be used"):
        decode_all(source, members[:1], decode, False, reporter, 3, "files", "")
