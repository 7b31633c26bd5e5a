"""What is sent to a terminal, read back as a terminal reads it."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from gancli.runtime.graphics import characters, draw, half_blocks, iterm, kitty, sixel
from gancli.runtime.terminal import Terminal

CLEAR = np.array([1, 2, 3, 0])


def noise(height, width, depth):
    shape = (height, width, depth)
    return np.random.default_rng(shape).integers(0, 256, shape, np.uint8)


def colors_of(pixels):
    """Return RGBA in which clear pixels are all alike."""
    depth = pixels.shape[2]
    rgb = pixels[:, :, :3] if depth >= 3 else pixels.repeat(3, 2)
    alpha = pixels[:, :, 3:] if depth == 4 else np.full_like(pixels[:, :, :1], 255)
    return np.where(alpha < 128, CLEAR, np.concatenate([rgb, np.full_like(alpha, 255)], 2))


def from_png(data):
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def read_kitty(data):
    assert data.endswith(b"\x1b\\\n")
    chunks = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", data)
    assert b"".join(b"\x1b_G%s;%s\x1b\\" % chunk for chunk in chunks) + b"\n" == data
    keys = [dict(pair.split(b"=") for pair in chunk[0].split(b",")) for chunk in chunks]
    assert keys[0] | {b"m": b""} == {b"a": b"T", b"f": b"100", b"q": b"2", b"m": b""}
    assert [key[b"m"] for key in keys] == [b"1"] * (len(keys) - 1) + [b"0"]
    assert all(key.keys() == {b"m"} for key in keys[1:])
    assert all(len(part) <= 4096 and len(part) % 4 == 0 for _, part in chunks)
    return from_png(base64.b64decode(b"".join(part for _, part in chunks)))


def read_iterm(data):
    found = re.fullmatch(rb"\x1b\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07\n", data)
    keys = dict(pair.split(b"=") for pair in found[1].split(b";"))
    png = base64.b64decode(found[2])
    pixels = from_png(png)
    assert keys == {
        b"inline": b"1", b"size": b"%d" % len(png), b"height": b"%dpx" % pixels.shape[0],
        b"width": b"%dpx" % pixels.shape[1],
    }
    return pixels


def read_sixel(data):
    """Return RGBA, uint8 (h, w, 4), as the VT340's manual tells it."""
    found = re.fullmatch(rb'\x1bP0;1q"1;1;(\d+);(\d+)(.*)\x1b\\\n', data, re.DOTALL)
    width, height = int(found[1]), int(found[2])
    canvas = np.broadcast_to(CLEAR, (-(-height // 6) * 6, width, 4)).copy()
    palette, color, left, top = {}, None, 0, 0
    tokens = re.findall(rb"#\d+(?:;2;\d+;\d+;\d+)?|!\d+[?-~]|[?-~]|\$|-", found[3])
    assert b"".join(tokens) == found[3]
    for token in tokens:
        if token[:1] == b"#":
            color, *defined = map(int, re.findall(rb"\d+", token))
            if defined:
                assert max(defined[1:]) <= 100
                palette[color] = [round(percent * 2.55) for percent in defined[1:]] + [255]
        elif token == b"$":
            left = 0
        elif token == b"-":
            left, top = 0, top + 6
        else:
            count = int(token[1:-1]) if token[:1] == b"!" else 1
            for row in range(6):
                if token[-1] - 63 >> row & 1:
                    canvas[top + row, left : left + count] = palette[color]
            left += count
            assert left <= width
    assert top >= height and (canvas[height:] == CLEAR).all()
    return canvas[:height], palette


def cube(number):
    """Return a color of xterm's 256, by the formula of its documentation."""
    if number >= 232:
        return [8 + 10 * (number - 232)] * 3
    digits = (number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6
    return [digit and 55 + 40 * digit for digit in digits]


def color_of(words):
    """Return the color that parameters of SGR set, and the parameters after them."""
    if words[0] in (39, 49):
        return CLEAR, words[1:]
    if words[1] == 2:
        return np.array([*words[2:5], 255]), words[5:]
    assert words[1] == 5
    return np.array([*cube(words[2]), 255]), words[3:]


def read_half_blocks(data):
    lines = data.decode().split("\n")
    assert lines.pop() == ""
    rows = []
    for line in lines:
        upper, lower, ink, paper = [], [], None, None
        assert line.endswith("\x1b[0m")
        for sequence, letter in re.findall("\x1b\\[([\\d;]*)m|(.)", line[:-4]):
            if sequence:
                words = list(map(int, sequence.split(";")))
                assert words[0] in (38, 39)
                ink, words = color_of(words)
                assert words[0] in (48, 49)
                paper, words = color_of(words)
                assert words == []
                continue
            above, below = {"▀": (ink, paper), "▄": (paper, ink), " ": (paper, paper)}[letter]
            upper.append(above)
            lower.append(below)
        rows += [upper, lower]
    return np.array(rows)


@pytest.mark.parametrize("depth", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (7, 30), (100, 90)])
def test_kitty_and_iterm_get_the_pixels_as_they_are(size, depth):
    pixels = noise(*size, depth)
    assert np.array_equal(read_kitty(kitty(pixels)), pixels)
    assert np.array_equal(read_iterm(iterm(pixels)), pixels)


def test_a_large_picture_goes_to_kitty_in_several_chunks():
    assert kitty(noise(100, 90, 3)).count(b"\x1b_G") > 5


@pytest.mark.parametrize("depth", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (6, 5), (13, 40), (5, 33)])
def test_sixels_are_the_pixels_to_a_percent(size, depth):
    pixels = noise(*size, depth)
    few = colors_of(pixels[:3, :3])  # no more colors than there may be
    pixels = np.tile(pixels[:3, :3], (6, 14, 1))[: size[0], : size[1]]
    found, palette = read_sixel(sixel(pixels))
    wanted = colors_of(pixels)
    assert np.array_equal(found[..., 3], wanted[..., 3])
    assert np.abs(found - wanted).max() <= 2
    assert len(palette) <= len(few.reshape(-1, 4))


def test_sixels_keep_to_the_colors_that_there_are():
    ramp = np.linspace(0, 255, 64).astype(np.uint8)[None, :, None].repeat(12, 0).repeat(3, 2)
    found, palette = read_sixel(sixel(ramp, 16))
    assert len(palette) <= 16
    assert np.abs(found[..., :3] - ramp.astype(int)).max() <= 16
    assert len(read_sixel(sixel(noise(64, 64, 3)))[1]) <= 256


def test_runs_of_sixels_are_short():
    assert len(sixel(np.full((600, 600, 1), 9, np.uint8))) < 1500


@pytest.mark.parametrize("depth", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 30), (28, 28)])
def test_half_blocks_are_the_pixels(size, depth):
    pixels = noise(*size, depth)
    found = read_half_blocks(half_blocks(pixels))
    assert np.array_equal(found[: size[0]], colors_of(pixels))
    assert (found[size[0] :] == CLEAR).all()  # the half below the last of an odd number


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_half_blocks_in_256_colors_are_the_nearest_of_them(depth):
    pixels = noise(9, 12, depth)
    found = read_half_blocks(half_blocks(pixels, truecolor=False))[:9]
    wanted, palette = colors_of(pixels), np.array([cube(number) for number in range(16, 256)])
    assert np.array_equal(found[..., 3], wanted[..., 3])
    seen = wanted[..., 3] == 255
    least = ((wanted[seen][:, None, :3] - palette) ** 2).sum(2).min(1)
    assert np.array_equal(((found[seen] - wanted[seen])[:, :3] ** 2).sum(1), least)


def test_colors_are_said_once_for_a_run():
    assert half_blocks(np.zeros((2, 9, 1), np.uint8)).count(b"\x1b") == 2


def test_characters_are_ascii_and_brighter_where_the_picture_is():
    ramp = np.linspace(0, 255, 10).round().astype(np.uint8)[None, :, None].repeat(3, 0)
    assert characters(ramp) == b" .:-=+*#%@\n" * 2
    clear = np.concatenate([np.full((2, 3, 3), 255, np.uint8), np.zeros((2, 3, 1), np.uint8)], 2)
    assert characters(clear) == b"\n"
    green, blue = np.zeros((2, 2, 2, 3), np.uint8)
    green[..., 1], blue[..., 2] = 255, 255
    assert characters(np.concatenate([green, blue], 1)) == b"++..\n"


READERS = {
    "kitty": read_kitty, "iterm": read_iterm, "sixel": lambda data: read_sixel(data)[0],
    "blocks": read_half_blocks,
}


@pytest.mark.parametrize("protocol", READERS)
def test_a_picture_is_enlarged_as_far_as_it_fits(protocol):
    pixels = noise(4, 5, 3)
    terminal = Terminal(protocol, columns=32, rows=24, cell=(10, 20), colors=2**24)
    if protocol == "sixel":
        terminal = Terminal(protocol, columns=32, rows=24, cell=(10, 20))
    most = 6 if protocol == "blocks" else 10  # of 31 characters; elsewhere a character's width
    for scale, wanted in ((None, most), (3, 3), (50, 6 if protocol == "blocks" else 50)):
        found = READERS[protocol](draw(pixels, terminal, scale)).astype(int)
        assert found.shape[:2] == (4 * wanted, 5 * wanted)
        large = np.kron(pixels, np.ones((wanted, wanted, 1), int))
        assert np.abs(found[..., :3] - large).max() <= (2 if protocol == "sixel" else 0)


def test_a_low_terminal_enlarges_less():
    terminal = Terminal("blocks", columns=200, rows=12, colors=2**24)
    assert read_half_blocks(draw(noise(5, 5, 3), terminal)).shape[:2] == (20, 20)
    low = Terminal("blocks", columns=200, rows=1, colors=2**24)
    assert read_half_blocks(draw(noise(6, 6, 3), low)).shape[:2] == (6, 6)


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_a_picture_that_is_too_wide_is_made_smaller(depth):
    pixels = np.full((60, 100, depth), 77, np.uint8)
    pixels[:30] = 200
    if depth == 4:
        pixels[..., 3] = 255
    found = read_half_blocks(draw(pixels, Terminal("blocks", columns=51, colors=2**24)))
    assert found.shape[:2] == (30, 50)
    assert (found[:15, :, 0] == 200).all() and (found[15:, :, 0] == 77).all()


def test_draw_uses_the_colors_and_the_way_of_the_terminal():
    pixels = noise(8, 8, 3)
    assert b"38;5;" in draw(pixels, Terminal("blocks", colors=256))
    assert b"38;2;" in draw(pixels, Terminal("blocks", colors=2**24))
    assert len(read_sixel(draw(pixels, Terminal("sixel", colors=4)))[1]) <= 4
    assert draw(pixels, Terminal("characters")).isascii()
    assert b"\x1b" not in draw(pixels, Terminal("characters"))
