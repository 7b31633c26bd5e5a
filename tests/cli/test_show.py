"""``--show``: a picture for the person at the terminal, never in the data."""

import base64
import contextlib
import io
import json
import os
import pty
import re
import sys
import threading

import numpy as np
import pytest
from helpers import samples_of, tiny_model
from PIL import Image

from gancli.artifacts import model
from gancli.cli import app
from gancli.modalities.image.pixels import to_pixels
from gancli.runtime import terminal

NO_TERMINAL = (
    "gancli: --show draws on a terminal, and standard error, where it would, is not one. Leave "
    "--show out and name a file with -o FILE.\n"
)


class Screen:
    """A terminal in place of streams of this process; ``text`` is what it has shown in the end."""

    def __init__(self):
        self.master, handle = pty.openpty()
        self.stream = open(handle, "w", encoding="utf-8")
        self.data = b""
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(self.master, 65536):
                self.data += part

    def close(self):
        self.stream.close()
        self.thread.join()
        os.close(self.master)
        return self.data.replace(b"\r\n", b"\n")


def pictures(data):
    """Return what Kitty would show, uint8 arrays."""
    found = []
    for drawing in re.findall(rb"(?:\x1b_G[^\x1b]*\x1b\\)+", data):
        chunks = re.findall(rb";([^\x1b]*)\x1b", drawing)
        found.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(b"".join(chunks))))))
    return found


@pytest.fixture
def trained(tmp_path):
    """The folder of a model of three classes."""
    made = tiny_model(size=16, classes=("cat", "dog", "bird"))
    model.save(made, tmp_path / "m")
    return made


@pytest.fixture
def show(call, monkeypatch, capfdbinary):
    """Run ``gancli sample image m`` on Kitty; return the status, stdout and what was shown."""
    monkeypatch.setattr(terminal, "_PATIENCE", 0.05)
    monkeypatch.setenv("TERM", "xterm-kitty")
    for name in ("NO_COLOR", "TMUX", "STY", "ZELLIJ"):
        monkeypatch.delenv(name, raising=False)

    def show(*args, pipe=False, redirected=False):
        capfdbinary.readouterr()
        err, out = Screen(), Screen()
        with monkeypatch.context() as patch:
            if not redirected:
                patch.setattr(sys, "stderr", err.stream)
            if not pipe:
                patch.setattr(sys, "stdout", out.stream)
            status = app.run(["sample", "image", *args])
        captured = capfdbinary.readouterr()
        data, shown = out.close(), err.close()
        return status, captured.out if pipe else data, captured.err if redirected else shown

    return show


def pixels(model, **options):
    return [to_pixels(sample.data[None])[0] for sample in samples_of(model, **options)]


def test_a_picture_is_drawn_on_stderr_and_nothing_else_is_written(trained, show, tmp_path):
    status, out, err = show("m", "--seed", "3", "--show")
    assert (status, out) == (0, b"")
    (picture,) = pictures(err)
    assert np.array_equal(picture, np.kron(pixels(trained, seed=3)[0], np.ones((8, 8, 1), "u1")))
    assert b"Wrote" not in err and os.listdir(tmp_path) == ["m"]


def test_many_are_one_grid_of_the_scale_asked_for(trained, show):
    _, _, err = show("m", "-n", "4", "--seed", "0", "--show", "--scale", "2")
    (picture,) = pictures(err)
    one, two, three, four = pixels(trained, seed=0, n=4)
    grid = np.concatenate([np.concatenate([one, two], 1), np.concatenate([three, four], 1)])
    assert np.array_equal(picture[::2, ::2], grid) and picture.shape == (64, 64, 3)


def test_only_the_first_are_shown_and_that_is_said(trained, show, tmp_path):
    _, _, err = show("m", "-n", "260", "--seed", "0", "--show", "-o", "out/")
    (picture,) = pictures(err)
    assert picture.shape[:2] == (16 * 16, 16 * 16)
    assert b"These are the first 256 of 260." in err
    assert len(os.listdir(tmp_path / "out")) == 260


def test_classes_stand_above_their_rows(trained, show):
    _, _, err = show("m", "-n", "2", "--seed", "0", "--show", "--grid", "classes")
    assert len(pictures(err)) == 3
    assert re.findall(rb"(cat|dog|bird)\n\x1b_G", err) == [b"cat", b"dog", b"bird"]


def test_a_file_is_written_too_and_stdout_may_be_a_pipe(trained, show, tmp_path):
    status, out, err = show("m", "--seed", "3", "--show", "-o", "a.png", pipe=True)
    assert (status, out) == (0, b"") and b"Wrote a.png." in err
    (picture,) = pictures(err)
    assert np.array_equal(picture[::8, ::8], np.asarray(Image.open(tmp_path / "a.png")))


def test_data_goes_to_a_pipe_where_both_are_asked_for(trained, show):
    status, out, err = show("m", "--seed", "3", "--show", "-o", "-", pipe=True)
    (picture,) = pictures(err)
    assert status == 0
    assert np.array_equal(picture[::8, ::8], np.asarray(Image.open(io.BytesIO(out))))


def test_json_is_on_stdout(trained, show):
    status, out, err = show("m", "--seed", "3", "--show", "--json", pipe=True)
    assert status == 0 and json.loads(out)["seeds"] == [3]
    assert len(pictures(err)) == 1 and len(err.split(b"\n")) == 2


def test_a_pipe_is_refused_before_the_work(show):
    status, out, err = show("no-such-model", "--show", pipe=True)
    assert (status, out) == (2, b"")
    assert err.endswith(
        b"gancli: --show draws on the terminal, so that nothing would go to standard output. Add "
        b"-o - to send the samples there as well, or leave --show out.\n"
    )
    for more in ([], ["-o", "a.png"]):
        status, _, err = show("no-such-model", "--show", *more, redirected=True)
        assert (status, err.decode()) == (2, NO_TERMINAL)


def test_binary_data_on_the_terminal_is_refused_as_ever(trained, show):
    status, _, err = show("m", "--show", "-o", "-")
    assert status == 2 and b"Binary data cannot be shown on a terminal." in err


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_who_wants_no_escapes_gets_characters(trained, show, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    status, _, err = show("m", "--seed", "3", "--show")
    assert status == 0 and b"\x1b" not in err and err.isascii()
    *_, note, end = lines = err.split(b"\n")
    assert note.startswith(b"Drawn in characters, since NO_COLOR is set") and end == b""
    assert len(lines) >= 9 and set(b"".join(lines[-10:-2])) <= set(b" .:-=+*#%@")
