"""Files that a person may have edited, with whatever editor."""

import codecs
from pathlib import Path

import pytest

from gancli.artifacts.record import read_options, read_record
from gancli.errors import UsageError

RUN = """batch = 16
[run]
modality = "text"
data = "été.txt"
data_name = "x"
command = "gancli"
[spec]
tokens = "byte"
vocabulary = []
rules = ""
length = 8
split = "lines"
field = ""
text_column = 0
label_column = 0
classes = []
class_counts = []
count = 9
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_marks_and_line_ends_of_windows(tmp_path: Path, encoding: str, ends: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(RUN.replace("\n", ends).encode(encoding))
    assert read_options(path, "text") == ({"batch": 16}, "été.txt")
    record = read_record(tmp_path)
    assert (record.config.batch, record.data, record.spec.count) == (16, "été.txt", 9)


def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(RUN.encode().replace("été".encode(), b"\xff"))
    assert read_record(tmp_path).data == "\udcff.txt"
    (tmp_path / "config.toml").write_bytes(codecs.BOM_UTF16_LE + b"a")
    with pytest.raises(UsageError, match="Cannot read"):
        read_options(tmp_path / "config.toml", "text")


def test_older_runs_of_text_load(tmp_path: Path) -> None:
    """Columns were numbers before they could be names."""
    (tmp_path / "config.toml").write_text("text_column = 2\nlabel_column = 1\n" + RUN)
    config = read_record(tmp_path).config
    assert (config.text_column, config.label_column, config.separator) == ("2", "1", None)
