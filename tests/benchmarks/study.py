"""One picture of a comparison, for a page such as README.md: what each cell makes, and its score.

    python tests/benchmarks/study.py COMPARISON -o FILE.png [--title TEXT] [--items N]

Each cell has a row, best first: its settings, the median score of its seeds with their lowest and
highest on a logarithmic axis, what the ranking says, and samples of the best generator of its
first training. Nothing is picked: the seeds are 0, 1, 2, ... in every row. The picture is twice as
large as it is to be shown (width 800), and opaque.
"""

import argparse
import io
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from gancli.artifacts.engine import open_engine
from gancli.artifacts.finding import open_model
from gancli.artifacts.report.scale import Scale, logarithmic
from gancli.evaluation.ranking import Rank
from gancli.evaluation.results import Comparison, Outcome, read_comparison
from gancli.modalities.audio.spectrogram import spectrograms
from gancli.sampling.request import SeedRequests
from gancli.sampling.sampler import generate
from gancli.training.budget import Budget

_ROOT = Path(__file__).parents[2]
_SCALE = 2  # pixels of the file for each that is shown
_WIDTH, _MARGIN = 800, 16
_NAME, _AXIS, _GAP = 172, 150, 18  # widths of the first columns, and between columns
_TOP, _LINE = 74, 17
_GRID_MARGIN = 2  # pixels around a spectrogram
_MAX_BYTES = 100_000
_PAPER, _INK, _FAINT, _RULE = "#f6f8fa", "#1f2328", "#59636e", "#d1d9e0"
_KINDS = {"best": "#1a7f37", "chance": "#0969da", "worse": "#bc4c00", "none": "#59636e"}


class Canvas:
    """Draws in shown pixels on a picture that is larger."""

    def __init__(self, height: float) -> None:
        size = round(_WIDTH * _SCALE), round(height * _SCALE)
        self.image = Image.new("RGB", size, _PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, text: str, size: int = 13, color: str = _INK,
             anchor: str = "la", bold: bool = False) -> None:
        # The font that Pillow brings has one weight.
        self._draw.text(
            (x * _SCALE, y * _SCALE), text, color, _font(size), anchor,
            stroke_width=0.4 * _SCALE if bold else 0,
        )

    def line(self, x0: float, y0: float, x1: float, y1: float, color: str, width: float) -> None:
        box = tuple(round(each * _SCALE) for each in (x0, y0, x1, y1))
        self._draw.line(box, color, round(width * _SCALE))

    def dot(self, x: float, y: float, radius: float, color: str) -> None:
        box = (x - radius, y - radius, x + radius, y + radius)
        self._draw.ellipse([each * _SCALE for each in box], color)

    def paste(self, picture: Image.Image, x: float, y: float, width: float, height: float) -> None:
        size = round(width * _SCALE), round(height * _SCALE)
        larger = size[0] >= picture.width
        kind = Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS
        self.image.paste(picture.resize(size, kind), (round(x * _SCALE), round(y * _SCALE)))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SCALE)


def _length(text: str, size: float) -> float:
    return _font(size).getlength(text) / _SCALE


def _fitting(text: str, size: float, width: float) -> str:
    """Return a text, cut where it would be wider."""
    if _length(text, size) <= width:
        return text
    while text and _length(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def gancli(*words: str) -> str:
    """Run a command of this checkout and return what it prints."""
    return subprocess.run(
        [sys.executable, "-m", "gancli", *words], cwd=_ROOT, check=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ).stdout


def pictures(run: Path, count: int) -> list[Image.Image]:
    with tempfile.TemporaryDirectory() as folder:
        gancli("sample", "image", str(run), "--seeds", f"0-{count - 1}", "-o", folder)
        return [on_paper(Image.open(path)) for path in sorted(Path(folder).glob("*.png"))]


def on_paper(picture: Image.Image) -> Image.Image:
    """Return a picture without transparency."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    paper = Image.new("RGBA", picture.size, _PAPER)
    return Image.alpha_composite(paper, picture).convert("RGB")


def spectrograms_of(run: Path, count: int) -> list[Image.Image]:
    """Return spectrograms without axes, for which there is no space."""
    model = open_model(str(run), "audio", print)
    options = model.modality.options_type(device="cpu")
    codec = model.modality.codec()(model.spec, model.config)
    with open_engine(model, options) as engine:
        made = list(generate(engine, codec, SeedRequests(list(range(count))), options))
    frames = model.spec.frames
    inner = slice(_GRID_MARGIN, -_GRID_MARGIN)
    return [
        Image.fromarray(spectrograms([each.data[:frames]], model.spec, frames)[inner, inner])
        for each in made
    ]


def lines(run: Path, count: int) -> list[str]:
    return gancli("sample", "text", str(run), "--seeds", f"0-{count - 1}").splitlines()


def first_done(outcome: Outcome) -> Path | None:
    return next((each.run for each in outcome.results if each.state == "done"), None)


def kind_of(rank: Rank | None) -> str:
    if rank is None:
        return "none"
    return "best" if rank.best else "chance" if rank.within_chance else "worse"


def said(rank: Rank) -> str:
    """Return what the ranking says of a cell."""
    if rank.best:
        return "best"
    if rank.within_chance:
        return rank.verdict
    return f"{rank.ratio:.2f} times the best"


def draw_texts(canvas: Canvas, texts: list[str], left: float, top: float, rows: int) -> None:
    """Draw lines in columns; a line that is long has the width for itself."""
    width = _WIDTH - _MARGIN - left
    longest = max((_length(each, 12) for each in texts), default=width)
    columns = max(1, min(6, int(width // (min(longest, width) + 12))))
    for index, line in enumerate(texts[: rows * columns]):
        column, row = divmod(index, rows)
        canvas.text(left + column * width / columns, top + row * _LINE,
                    _fitting(line, 12, width / columns - 8), 12)


def draw_tiles(
    canvas: Canvas, tiles: list[Image.Image], left: float, top: float, height: float
) -> None:
    """Draw pictures side by side in a row; small ones at a whole multiple of their size."""
    for tile in tiles:
        factor = height * _SCALE / tile.height
        factor = math.floor(factor) if factor >= 1 else factor
        width, own = tile.width * factor / _SCALE, tile.height * factor / _SCALE
        if left + width > _WIDTH - _MARGIN + 0.5:
            return
        canvas.paste(tile, left, top + (height - own) / 2, width, own)
        left += width + 3


def draw_score(canvas: Canvas, rank: Rank, scale: Scale, top: float) -> None:
    """Draw a median with its lowest and highest, and what it means."""
    color, y = _KINDS[kind_of(rank)], top + 9
    canvas.line(scale.position(rank.low), y, scale.position(rank.high), y, color, 2.5)
    canvas.dot(scale.position(rank.median), y, 4.5, color)
    left = _MARGIN + _NAME + _GAP
    spread = f"{rank.median:.3g}" + (
        f" ({rank.low:.3g} to {rank.high:.3g})" if rank.seeds > 1 else ""
    )
    canvas.text(left, top + 20, spread, 11)
    canvas.text(left, top + 34, said(rank), 11, color)


def draw_head(canvas: Canvas, modality: str, title: str, scale: Scale) -> None:
    """Draw what stands above the rows: title, facts, and the axis of scores."""
    canvas.text(_MARGIN, 14, title, 18, bold=True)
    left = _MARGIN + _NAME + _GAP
    canvas.text(left, _TOP - 32, "score, smaller is better", 11, _FAINT)
    what = {
        "image": "the same seeds in each row", "text": "the same seeds in each row",
        "audio": "spectrograms of the same seeds: time across, frequency up; blue: ended",
    }[modality]
    canvas.text(left + _AXIS + _GAP, _TOP - 32, what, 11, _FAINT)
    last = -math.inf
    for tick in scale.ticks(4):
        if scale.position(tick) - last > 26:
            last = scale.position(tick)
            canvas.text(last, _TOP - 17, f"{tick:g}", 10, _FAINT, "ma")


def draw_grid(canvas: Canvas, scale: Scale, floor: float | None, top: float) -> None:
    """Draw the lines of a row's axis, and the floor."""
    for tick in scale.ticks(4):
        canvas.line(scale.position(tick), top, scale.position(tick), top + 18, _RULE, 0.5)
    if floor is not None:
        x = scale.position(floor)
        canvas.line(x, top, x, top + 18, _KINDS["best"], 1)


def rows_of(found: Comparison) -> list[tuple[Outcome, Rank | None]]:
    ranks = {each.name: each for each in found.ranks}
    return [(outcome, ranks.get(outcome.name)) for outcome in found.ordered]


def floor_of(found: Comparison) -> float | None:
    """Return what real items score, where a logarithmic axis has a place for it."""
    floors = [each.metrics.get("floor", 0.0) for each in found.results]
    return max(floors) if max(floors) > 0 else None


def facts(found: Comparison) -> str:
    config = next(each.config for each in found.outcomes if each.config is not None)
    floor = floor_of(found)
    real = "" if floor is None else f" Green line: what as many real items score, {floor:.3g}."
    seeds = len(found.record.seeds) or max(len(each.results) for each in found.outcomes)
    return (
        f"{Path(found.record.data).stem}, {seeds} {'seed' if seeds == 1 else 'seeds'} of "
        f"{Budget.of(config)} each. Dot: median; line: lowest to highest seed.{real}"
    )


def study(found: Comparison, title: str, items: int) -> Image.Image:
    """Return the picture."""
    modality = found.record.modality
    sample: Callable[[Path, int], list] = {
        "image": pictures, "audio": spectrograms_of, "text": lines
    }[modality]
    rows = rows_of(found)
    height = {"image": 48.0, "audio": 66.0, "text": 3 * _LINE + 1.0}[modality]
    pitch = height + 12
    bottom = _TOP + len(rows) * pitch
    canvas = Canvas(bottom + 26)
    left = _MARGIN + _NAME + _GAP
    floor = floor_of(found)
    ends = [end for each in found.ranks for end in (each.low, each.high)]
    ends += [] if floor is None else [floor]
    axis = logarithmic(min(ends), max(ends), left, left + _AXIS)
    draw_head(canvas, modality, title, axis)
    for place, (outcome, rank) in enumerate(rows):
        top = _TOP + place * pitch
        if place:
            canvas.line(_MARGIN, top - 6, _WIDTH - _MARGIN, top - 6, _RULE, 0.5)
        draw_grid(canvas, axis, floor, top)
        for number, setting in enumerate(outcome.name.split(" ")[:3]):
            canvas.text(_MARGIN, top + 2 + number * _LINE, _fitting(setting, 13, _NAME), 13)
        if rank is None:
            canvas.text(left, top + 20, outcome.state, 11, _FAINT)
        else:
            draw_score(canvas, rank, axis, top)
        run = first_done(outcome)
        if run is None:
            continue
        made, at = sample(run, items), left + _AXIS + _GAP
        if modality == "text":
            draw_texts(canvas, made, at, top + 1, 3)
        else:
            draw_tiles(canvas, made, at, top, height)
    canvas.text(_MARGIN, bottom + 4, facts(found), 11, _FAINT)
    return canvas.image


def compressed(picture: Image.Image) -> bytes:
    """Return a PNG of as many colors as the size allows, those of paper and verdicts among them."""
    fixed = [each for name in (_PAPER, _INK, _FAINT, _RULE, *_KINDS.values())
             for each in ImageColor.getrgb(name)]
    for colors in (256, 128, 64, 32):
        own = picture.quantize(colors - len(fixed) // 3).getpalette() or []
        palette = Image.new("P", (1, 1))
        palette.putpalette((fixed + own)[: 3 * colors])
        buffer = io.BytesIO()
        picture.quantize(palette=palette, dither=Image.Dither.NONE).save(
            buffer, "PNG", optimize=True
        )
        if buffer.tell() <= _MAX_BYTES:
            break
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a comparison as one picture.")
    parser.add_argument("comparison", type=Path)
    parser.add_argument("-o", dest="target", type=Path, required=True)
    parser.add_argument("--title", default="")
    parser.add_argument("--items", type=int, default=0, help="samples of each cell")
    given = parser.parse_args()
    found = read_comparison(given.comparison.absolute())
    items = given.items or {"image": 10, "audio": 12, "text": 18}[found.record.modality]
    title = given.title or f"{found.record.modality.capitalize()}: {len(found.outcomes)} settings"
    data = compressed(study(found, title, items))
    given.target.write_bytes(data)
    print(f"{given.target}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
