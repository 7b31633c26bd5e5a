"""Previews of a run as a page holds them: small pictures, small sounds, texts."""

import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gancli.artifacts.report.markup import text

_MAX_SIDE = 1280  # pixels of a picture
_QUALITY = 82  # of WebP
_MAX_TEXTS, _MAX_LETTERS = 32, 1000  # of a preview
_COMPARED, _COLUMNS = 8, 6  # seeds and steps of the table of texts
_STEP = re.compile(r"step-(\d+)$")


@dataclass(frozen=True)
class Preview:
    """What a generator made of the same seeds at a step.

    Args:
        step: Steps of training before it.
        picture, sound: URLs of data, or empty.
        texts: Samples of text.
        clips: Where in the picture each clip of the sound is seen, and where in the sound it is
            heard: left, top, width and height as fractions, begin and end in seconds.
    """

    step: int
    picture: str = ""
    sound: str = ""
    texts: tuple[str, ...] = ()
    clips: tuple[tuple[float, ...], ...] = ()


def previews(folder: Path) -> list[Preview]:
    """Return the previews in a run's folder of samples that can be read, by step."""
    stems = {path.stem for path in folder.glob("step-*") if _STEP.fullmatch(path.stem)}
    found = [_preview(folder, stem) for stem in stems]
    shown = [each for each in found if each.picture or each.sound or each.texts]
    return sorted(shown, key=lambda preview: preview.step)


def _preview(folder: Path, stem: str) -> Preview:
    match = _STEP.fullmatch(stem)
    assert match is not None
    return Preview(
        int(match[1]), _encoded(folder / f"{stem}.png"), _encoded(folder / f"{stem}.wav"),
        _texts(folder / f"{stem}.txt"), _clips(folder / f"{stem}.png"),
    )


def _encoded(path: Path) -> str:
    """Return a file as a URL of data, or nothing if it cannot be read."""
    try:
        state = path.stat()
        return _encode(path, state.st_mtime_ns, state.st_size)
    except Exception:  # what decoders raise of a file that is cut short or damaged is not a list
        return ""


@lru_cache(maxsize=128)  # a page is written many times in a training
def _encode(path: Path, _changed: int, _size: int) -> str:
    kind, data = _webp(path) if path.suffix == ".png" else _sound(path)
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _webp(path: Path) -> tuple[str, bytes]:
    from PIL import Image

    with Image.open(path) as picture:
        picture.thumbnail((_MAX_SIDE, _MAX_SIDE))
        buffer = io.BytesIO()
        mode = "RGBA" if picture.has_transparency_data else "RGB"
        picture.convert(mode).save(buffer, "WEBP", quality=_QUALITY, method=4)
    return "image/webp", buffer.getvalue()


def _sound(path: Path) -> tuple[str, bytes]:
    """Return a WAV as MP3, or as FLAC where MP3 has no such rate."""
    import soundfile

    samples, rate = soundfile.read(path, dtype="int16")
    for kind, container, subtype in (
        ("audio/mpeg", "MP3", "MPEG_LAYER_III"), ("audio/flac", "FLAC", "PCM_16"),
    ):
        buffer = io.BytesIO()
        try:
            soundfile.write(buffer, samples, rate, subtype, format=container)
        except (soundfile.LibsndfileError, ValueError):
            continue
        return kind, buffer.getvalue()
    return "audio/wav", path.read_bytes()


def _clips(path: Path) -> tuple[tuple[float, ...], ...]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            rows = json.loads(picture.info.get("clips", "[]"))
        return tuple(tuple(map(float, row)) for row in rows if len(row) == 6)
    except Exception:  # as above
        return ()


def _texts(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ()
    return tuple(
        line if len(line) <= _MAX_LETTERS else line[:_MAX_LETTERS] + " ..."
        for line in lines[:-1][:_MAX_TEXTS]
    )


def gallery(shown: Sequence[Preview]) -> str:
    """Return a slider over previews, and the previews; without a script all of them are shown."""
    if not shown:
        return "<p>No preview is written yet: the first comes after 50 steps.</p>"
    frames = "".join(
        f"<figure class=frame data-step={each.step}><figcaption>step {each.step:,}</figcaption>"
        f"{samples(each, f'at step {each.step:,}')}</figure>"
        for each in shown
    )
    slider = "" if len(shown) < 2 else (
        "<div class=slider><label for=preview>Preview</label>"
        f"<span aria-hidden=true>step {shown[0].step:,}</span>"
        f"<input type=range id=preview min=0 max={len(shown) - 1} value={len(shown) - 1} step=1>"
        f"<span aria-hidden=true>{shown[-1].step:,}</span>"
        "<output for=preview id=previewstep></output></div>"
    )
    return f"{slider}{hint(shown)}<div id=frames>{frames}</div>{_over_time(shown)}"


def hint(shown: Sequence[Preview]) -> str:
    """Return what to do with previews, if there is anything but to look at them."""
    return "<p>Press a spectrogram to hear it.</p>" if any(each.clips for each in shown) else ""


def samples(preview: Preview, place: str) -> str:
    """Return a preview's player, picture and texts.

    Args:
        preview: What to show.
        place: Where its samples come from, such as "at step 50", for those who do not see them.
    """
    parts = []
    what = "Spectrograms of samples" if preview.sound else "Samples"
    if preview.sound:
        parts.append(
            f"<audio controls preload=metadata src='{preview.sound}' "
            f"aria-label='Samples {text(place)}'></audio>"
        )
    if preview.picture:
        kind = "spectrogram" if preview.sound else "pixels"
        parts.append(
            f"<div class=sheet><img class={kind} src='{preview.picture}' "
            f"alt='{what} {text(place)}'>{_buttons(preview)}</div>"
        )
    if preview.texts:
        lines = "".join(f"<li><bdi>{text(line)}</bdi></li>" for line in preview.texts)
        parts.append(
            f"<ol start=0 class=texts tabindex=0 aria-label='Samples {text(place)}'>"
            f"{lines}</ol>"
        )
    return "".join(parts)


def _buttons(preview: Preview) -> str:
    """Return a button over each clip of a picture that plays it."""
    if not preview.sound:
        return ""
    return "".join(
        f"<button type=button class=clip data-begin={begin:.3f} data-end={end:.3f} "
        f"aria-label='Play seed {seed}' title='Play seed {seed}' "
        f"style='left:{left:.3%};top:{top:.3%};width:{width:.3%};height:{height:.3%}'></button>"
        for seed, (left, top, width, height, begin, end) in enumerate(preview.clips)
    )


def _over_time(shown: Sequence[Preview]) -> str:
    """Return a table of texts: a row for each seed, a column for each of a few steps."""
    written = [each for each in shown if each.texts]
    if len(written) < 2:
        return ""
    count = min(len(written), _COLUMNS)
    chosen = [written[index * (len(written) - 1) // (count - 1)] for index in range(count)]
    return "<h3>The same seeds over time</h3>" + side_by_side(
        [(f"step {each.step:,}", each.texts) for each in chosen], "The same seeds over time",
        _COMPARED,
    )


def side_by_side(columns: Sequence[tuple[str, Sequence[str]]], title: str, rows: int) -> str:
    """Return a table of texts.

    Args:
        columns: Headings, and texts by seed.
        title: Of the table, for those who do not see it.
        rows: How many seeds are shown at most.
    """
    head = "".join(f"<th scope=col>{text(name)}</th>" for name, _ in columns)
    body = "".join(
        f"<tr><th scope=row>{seed}</th>" + "".join(
            f"<td><bdi>{text(texts[seed] if seed < len(texts) else '')}</bdi></td>"
            for _, texts in columns
        ) + "</tr>"
        for seed in range(min(rows, max(len(texts) for _, texts in columns)))
    )
    return (
        f"<div class=scroll tabindex=0 role=region aria-label='{text(title)}'>"
        f"<table class=beside><thead><tr><th scope=col>seed</th>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
