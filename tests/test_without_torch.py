"""What needs no torch runs where there is none."""

import subprocess
import sys

import pytest

BLOCKED = (
    "import sys\n"
    "sys.modules['torch'] = None\n"
    "from gancli.cli.app import run\n"
    "status = run(sys.argv[1:])\n"
    "print(sorted({'scipy', 'tokenizers', 'soxr'} & set(sys.modules)), file=sys.stderr)\n"
    "sys.exit(status)\n"
)


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("sample text -n 3 --seed 0 --guided 2 --prompt a --top-p .9", b"a"),
        ("sample text -n 1 --seed 0 --jsonl", b'{"seed": 0'),
        ("sample image -n 1 --seed 0 -o -", b"\x89PNG"),
        ("sample image emoji -n 2 --seed 0 --guided 2 --grid -o -", b"\x89PNG"),
        ("sample audio -n 1 --seed 0 -o - --spectrogram s.png", b"RIFF"),
        ("info", b""),
        ("info names --json", b"{"),
        ("info fashion-mnist", b""),
        ("models", b"model"),
        ("models --json", b"{"),
        ("help eval", b""),
    ],
)
def test_torch_is_not_needed(line, start, tmp_path):
    # On a machine with a GPU, --device auto would ask torch for it.
    words = [*line.split(), "--device", "cpu"] if line.startswith("sample") else line.split()
    result = subprocess.run(
        [sys.executable, "-c", BLOCKED, *words], capture_output=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout.startswith(start) and result.stdout
    assert result.stderr.decode().splitlines()[-1] == "[]"


def test_where_torch_is_needed_its_absence_would_show(tmp_path):
    line = "sample text -n 1 --engine torch --device cpu".split()
    result = subprocess.run(
        [sys.executable, "-c", BLOCKED, *line], capture_output=True, cwd=tmp_path
    )
    assert result.returncode == 1 and b"torch" in result.stderr
