"""Files of options, which are regular and small."""

import os

import pytest

from gancli.artifacts.record import read_options
from gancli.errors import UsageError


def test_options_are_read_without_what_a_run_adds(tmp_path):
    (tmp_path / "a.toml").write_text('batch = 32\n[run]\nmodality = "image"\n[spec]\nsize = 28\n')
    assert read_options(tmp_path / "a.toml", "image")[0] == {"batch": 32}


def test_what_may_never_end_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", type(tmp_path)("/dev/zero")):
        with pytest.raises(UsageError, match="is not a regular file"):
            read_options(path, "image")


def test_a_large_file_is_refused_unless_it_is_a_run_s_own(tmp_path):
    path = tmp_path / "a.toml"
    options = b"batch = 32\n" + b"#" * ((1 << 20) - 12) + b"\n"
    path.write_bytes(options)
    assert read_options(path, "image")[0] == {"batch": 32}
    path.write_bytes(options + b"#")
    with pytest.raises(UsageError, match="is too large for a file of options"):
        read_options(path, "image")
    vocabulary = "".join(f'"word{index}",' for index in range(200_000))
    path.write_text(f"batch = 32\n\n[run]\nmodality = 'text'\n\n[spec]\nv=[{vocabulary}]\n")
    assert path.stat().st_size > 2 << 20
    assert read_options(path, "text")[0] == {"batch": 32}


@pytest.mark.parametrize(
    "text", ["batch = ", "a = " + "[" * 5000, "steps = " + "9" * 5000, "\0", "a = 1\na = 2"]
)
def test_what_is_not_toml_is_a_sentence(tmp_path, text):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UsageError, match=r"^Cannot read .*a\.toml: "):
        read_options(tmp_path / "a.toml", "image")
    with pytest.raises(UsageError, match="No such file or directory"):
        read_options(tmp_path / "b.toml", "image")
