"""Folders, archives and files as sources; hostile ones too."""

import gzip
import io
import os
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gancli.data import archive
from gancli.data.source import BadMember, Source, open_source
from gancli.errors import GancliError, UsageError

ODD = ["-rf.png", "a\nb.png", "[x].png", os.fsdecode(b"\xff\xfe.png"), "sub/\u65e5.png"]


def read_all(source: Source) -> dict[str, bytes]:
    return {member.name: member.read(1000) for member in source.in_storage_order()}


def tar_of(path: Path, entries: list[tarfile.TarInfo | tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                tar.addfile(info, io.BytesIO(entry[1]))
    return path


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_folder_tar_and_zip_give_the_same_members_in_order(tmp_path: Path) -> None:
    files = {"b/2.png": b"two", "a.png": b"one", "b/10.png": b"ten"}
    folder = tmp_path / "set"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    paths = [
        folder, zip_of(tmp_path / "set.zip", files),
        tar_of(tmp_path / "set.tar", list(files.items())),
        tar_of(tmp_path / "set.tar.gz", list(files.items())),
        tar_of(tmp_path / "set.tgz", list(files.items())),
    ]
    for path in paths:
        source = open_source(str(path))
        assert source.name == "set"
        assert [member.name for member in source.members] == sorted(files)
        assert [member.size for member in source.members] == [3, 3, 3]
        assert [member.read(3) for member in source.members] == [b"one", b"ten", b"two"]
        assert read_all(source) == files


def test_stream_visits_an_archive_in_its_own_order(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tar.gz", [("c", b"1"), ("a", b"2"), ("b", b"3")])
    assert [member.name for member in open_source(str(path)).in_storage_order()] == ["c", "a", "b"]


def test_stream_of_a_tar_gz_decompresses_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{(7 * index) % 50:02}" for index in range(50)]
    path = tar_of(tmp_path / "x.tar.gz", [(name, b"x" * 1000) for name in names])
    source = open_source(str(path))
    places: list[int] = []
    seek = archive._Bounded.seek

    def spy(self: archive._Bounded, offset: int, whence: int = 0, /) -> int:
        places.append(offset)
        return seek(self, offset, whence)

    monkeypatch.setattr(archive._Bounded, "seek", spy)
    assert len(read_all(source)) == 50
    assert len(places) >= 50 and places == sorted(places)


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar", ".tar.gz"])
def test_odd_names_work(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / ("[odd]\n" + os.fsdecode(b"\xff") + suffix)
    if suffix == ".zip":
        names = [name for name in ODD if name.isprintable() or "\n" in name]
        zip_of(path, {name: name.encode() for name in names})
    elif suffix:
        names = ODD
        tar_of(path, [(name, os.fsencode(name)) for name in names])
    else:
        names = ODD
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(os.fsencode(name))
    source = open_source(str(path))
    assert read_all(source) == {name: os.fsencode(name) for name in names}
    assert source.name == "odd"


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar"])
def test_names_have_one_unicode_form(tmp_path: Path, suffix: str) -> None:
    composed, apart = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    files = {f"{apart}/1.txt": b"a", f"{apart}/2.txt": b"b", f"{composed}/2.txt": b"c"}
    if suffix == ".zip":
        zip_of(tmp_path / "x.zip", files)
    elif suffix == ".tar":
        tar_of(tmp_path / "x.tar", list(files.items()))
    for name, data in () if suffix else files.items():
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_bytes(data)
    members = open_source(str(tmp_path / f"x{suffix}")).members
    # A name that is taken stays as it is, so that no file is lost.
    assert {member.name: member.read(9) for member in members} == {
        f"{composed}/1.txt": b"a", f"{apart}/2.txt": b"b", f"{composed}/2.txt": b"c"}


def test_zip_names_without_the_utf8_flag(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", {"\u65e5.png": b"a", "\u20ac.png": b"b"})
    data = path.read_bytes()
    # Clear the flag in all headers, as old packers do, and make one name no UTF-8.
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        parts = data.split(magic)
        data = magic.join(
            [parts[0]] + [p[: offset - 4] + b"\0\0" + p[offset - 2 :] for p in parts[1:]]
        )
    path.write_bytes(data.replace("\u20ac".encode(), b"\xff\xfeq"))
    contents = read_all(open_source(str(path)))
    assert contents["\u65e5.png"] == b"a"
    assert sorted(contents.values()) == [b"a", b"b"]


def test_a_file_named_with_a_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-n").write_bytes(b"x")
    source = open_source("-n")
    assert read_all(source) == {"-n": b"x"}
    assert source.name == "n"


@pytest.mark.parametrize(("head", "suffix"), [
    (b"RIFF\x24\x00\n\x00WAVEfmt ", ".wav"), (b"fLaC\0", ".flac"), (b"\x89PNG\r\n", ".png"),
    (b"\xff\xd8\xff\xe0", ".jpg"), (b"RIFF is a word", ".txt"), (b"anna\nbob\n", ".txt"),
])
def test_standard_input_is_named_by_how_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, suffix: str
) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path))
    content = head + b"x" * (3 << 20)  # of several blocks, of which the first one counts
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), "latin-1"))
    (member,) = open_source("-").members
    assert Path(member.name).suffix == suffix
    assert member.read(len(content)) == content


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tar", "x.zip", "plain"])
def test_an_archive_on_standard_input_is_known_by_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    files = {"a/1.png": b"one", "b/2.png": b"two"}
    if name == "x.zip":
        path = zip_of(tmp_path / name, files)
    elif name == "plain":
        path = tmp_path / name
        path.write_bytes(gzip.compress(b"anna\nbob\n"))
        files = {}
    else:
        path = tar_of(tmp_path / name, list(files.items()))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes()), "latin-1"))
    source = open_source("-")
    if files:
        assert read_all(source) == files
    else:  # a compressed text is a single file
        assert [member.name[:6] for member in source.members] == ["stdin-"]


def test_tar_with_escapes_links_and_devices(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "in").mkdir()
    path = tar_of(
        tmp_path / "in" / "x.tar",
        [("../up.png", b"up"), ("/abs/a.png", b"abs"), link("s.png", str(tmp_path / "secret")),
         link("hard.png", "../up.png", tarfile.LNKTYPE), link("null", "", tarfile.CHRTYPE),
         link("pipe", "", tarfile.FIFOTYPE)],
    )
    assert read_all(open_source(str(path))) == {"up.png": b"up", "abs/a.png": b"abs"}
    assert sorted(os.listdir(tmp_path)) == ["in", "secret"]
    assert os.listdir(tmp_path / "in") == ["x.tar"]


def test_zip_with_escapes_and_a_link(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("../../up.png", b"up")
        symlink = zipfile.ZipInfo("s.png")
        symlink.external_attr = 0o120777 << 16
        out.writestr(symlink, "/etc/passwd")
    assert read_all(open_source(str(path))) == {"up.png": b"up"}


def test_what_gancli_wrote_below_a_folder_is_no_data(tmp_path: Path) -> None:
    names = [
        "a.png", "runs/a-1/config.toml", "runs/a-1/checkpoints/1/x.json", "runs/a-1/samples/1.png",
        "runs/b-1/config.toml", "runs/b-1/metrics.jsonl", "runs/b-1/samples/1.png",
        "model/config.json", "model/model.safetensors", "model/c.png", "compared/comparison.json",
        "compared/cells/1.png", "settings/config.toml", "settings/b.png", "others/config.json",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    def listed(path: Path) -> list[str]:
        return [member.name for member in open_source(str(path)).members]

    assert listed(tmp_path) == [
        "a.png", "others/config.json", "settings/b.png", "settings/config.toml"
    ]
    # Named itself, a folder is read as it is.
    assert "samples/1.png" in listed(tmp_path / "runs" / "a-1")


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    names = [".DS_Store", "__MACOSX/._a.png", ".git/b.png", "c/.hidden", "c/kept.png",
             "c/@eaDir/kept.png/thumb.jpg", "#recycle/a.png", "$RECYCLE.BIN/b.png", "c/Thumbs.db"]
    zipped = zip_of(tmp_path / "x.zip", {name: b"x" for name in names})
    for name in names:
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(b"x")
    for path in (zipped, tmp_path / "f"):
        assert [member.name for member in open_source(str(path)).members] == ["c/kept.png"]


def test_links_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "f" / "a").mkdir(parents=True)
    (tmp_path / "f" / "a" / "1.png").write_bytes(b"1")
    (tmp_path / "f" / "a" / "up").symlink_to(tmp_path / "f")
    (tmp_path / "f" / "self").symlink_to("self")
    (tmp_path / "f" / "nothing").symlink_to("gone")
    (tmp_path / "f" / "b.png").symlink_to(tmp_path / "f" / "a" / "1.png")
    os.mkfifo(tmp_path / "f" / "fifo")
    assert read_all(open_source(str(tmp_path / "f"))) == {"a/1.png": b"1", "b.png": b"1"}


def test_reading_is_bounded(tmp_path: Path) -> None:
    zipped = zip_of(tmp_path / "x.zip", {"a": b"x" * 100})
    tarred = tar_of(tmp_path / "x.tar.gz", [("a", b"x" * 100)])
    (tmp_path / "a").write_bytes(b"x" * 100)
    for path in (zipped, tarred, tmp_path / "a"):
        (member,) = open_source(str(path)).members
        assert member.read(100) == b"x" * 100
        assert member.head(5) == b"xxxxx"
        with pytest.raises(BadMember, match="more than 99 bytes"):
            member.read(99)
    # A file that has grown since it was listed.
    (member,) = open_source(str(tmp_path / "a")).members
    (tmp_path / "a").write_bytes(b"x" * 101)
    with pytest.raises(BadMember, match="more than"):
        member.read(100)
    (tmp_path / "a").unlink()
    with pytest.raises(BadMember):
        member.read(100)


def test_one_damaged_zip_member_spares_the_others(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", {"a": b"AAAA", "b": b"BBBB"})
    path.write_bytes(path.read_bytes().replace(b"AAAA", b"AXAA"))
    a, b = open_source(str(path)).members
    with pytest.raises(BadMember):
        a.read(10)
    assert b.read(10) == b"BBBB"


def test_a_later_entry_of_the_same_name_counts(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tar", [("a", b"old"), ("a", b"new")])
    assert read_all(open_source(str(path))) == {"a": b"new"}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_truncated_archives_are_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    data = os.urandom(20_000)
    if kind == "zip":
        zip_of(path, {"a": data, "b": data})
    else:
        tar_of(path, [("a", data), ("b", data)])
    whole = path.read_bytes()
    for size in (0, 100, len(whole) // 3, len(whole) // 2 + 7000):
        path.write_bytes(whole[:size])
        with pytest.raises(GancliError, match="damaged"):
            open_source(str(path))


def test_a_bad_header_in_the_middle_of_a_tar_is_noticed(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tar", [("a", b"1"), ("b", b"2"), ("c", b"3")])
    data = bytearray(path.read_bytes())
    data[1024:1040] = b"\xff" * 16
    path.write_bytes(data)
    with pytest.raises(GancliError, match="middle"):
        open_source(str(path))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", {"a": b"1"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(GancliError, match="encrypted"):
        open_source(str(path))


def negative_header(size: int) -> bytes:
    header = bytearray(tarfile.TarInfo("b").tobuf(tarfile.GNU_FORMAT)[:512])
    header[124:136] = b"\xff" * 8 + size.to_bytes(4, "big", signed=True)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_tar_that_points_backwards_ends(tmp_path: Path, hidden: bool) -> None:
    """CVE-2025-8194: a negative size made tarfile read the same header for ever."""
    before = tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT)
    data = before + negative_header(-512)
    if hidden:  # behind an extended header that states another size
        extended = tarfile.TarInfo("x")
        body = b"21 GNU.sparse.size=5\n"
        extended.type, extended.size = tarfile.XHDTYPE, len(body)
        data = before + extended.tobuf() + body.ljust(512, b"\0") + negative_header(-1536)
    path = tmp_path / "x.tar"
    path.write_bytes(data + bytes(2048))
    with pytest.raises(GancliError, match="backwards"):
        open_source(str(path))


def test_a_giant_extended_header_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    path = tmp_path / "x.tar"
    path.write_bytes(info.tobuf() + bytes(2048))
    with pytest.raises(GancliError, match="larger than any real"):
        open_source(str(path))


def test_what_is_missing_gets_a_hint(tmp_path: Path) -> None:
    (tmp_path / "pictures.zip").write_bytes(b"")
    with pytest.raises(UsageError) as caught:
        open_source(str(tmp_path / "picture.zip"))
    assert "pictures.zip" in caught.value.hint
    for odd in ("no\0pe", "x" * 5000, os.fsdecode(b"\xff")):
        with pytest.raises(UsageError):
            open_source(odd)


def test_bundled_samples_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_HOME", str(tmp_path))
    (tmp_path / "samples" / "data").mkdir(parents=True)
    zip_of(tmp_path / "samples" / "data" / "tiny-things.zip", {"a.png": b"1"})
    source = open_source("tiny-things")
    assert source.name == "tiny-things" and read_all(source) == {"a.png": b"1"}
    (tmp_path / "samples" / "index.json").write_text(
        '{"tiny-things": {"modality": "image", "files": {"data/tiny-things.zip": "00"}}}'
    )
    with pytest.raises(GancliError, match="damaged"):
        open_source("tiny-things")
    with pytest.raises(UsageError) as caught:
        open_source("tiny-thing")
    assert "tiny-things" in caught.value.hint


def _sample(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("d/a.png", b"x" * 50)
            archive.writestr("\u65e5.png", b"y" * 50)
    else:
        with tarfile.open(fileobj=out, mode=kind, format=tarfile.PAX_FORMAT) as tar:
            for name in ("d/a.png", "\u65e5" * 60):
                info = tarfile.TarInfo(name)
                info.size = 50
                tar.addfile(info, io.BytesIO(b"x" * 50))
    return out.getvalue()


@pytest.mark.parametrize(("kind", "name"), [("zip", "x.zip"), ("w", "x.tar"), ("w:gz", "x.tgz")])
def test_mutated_archives_raise_nothing_else(tmp_path: Path, kind: str, name: str) -> None:
    original = _sample(kind)
    path = tmp_path / name

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.tuples(st.integers(0, len(original) - 1), st.integers(0, 255)), max_size=6),
        st.integers(0, len(original)),
    )
    def check(changes: list[tuple[int, int]], length: int) -> None:
        data = bytearray(original)
        for place, value in changes:
            data[place] = value
        path.write_bytes(data[:length] if length % 3 == 0 else data)
        try:
            source = open_source(str(path))
        except GancliError:
            return
        for member in source.in_storage_order():
            assert ".." not in member.name.split("/") and not member.name.startswith("/")
            try:
                assert len(member.read(1000)) <= 1000
            except BadMember:
                pass

    check()
