"""The strip of samples at the top of the README, drawn from the bundled models.

    python tests/benchmarks/strip.py [samples/generated/strip.png]

Nothing is picked: 49 garments (seeds 0 to 48), 36 emoji (seeds 0 to 35), the spectrograms of 12
spoken digits (seeds 0 to 11) and 27 first names (seeds 0 to 26).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from gancli.modalities.audio.spectrogram import BOTTOM, LEFT, RIGHT, TOP

_ROOT = Path(__file__).parents[2]
_WIDTH, _HEIGHT, _TOP, _GAP, _BETWEEN = 900, 224, 24, 20, 4


def gancli(*arguments: str) -> str:
    """Run a command of this checkout and return what it prints."""
    return subprocess.run(
        [sys.executable, "-m", "gancli", *arguments], cwd=_ROOT, check=True, text=True,
        stdout=subprocess.PIPE,
    ).stdout


def main(target: Path) -> None:
    """Draw the strip."""
    strip = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(strip)
    title, body = ImageFont.load_default(15), ImageFont.load_default(16)
    with tempfile.TemporaryDirectory() as folder:
        draw.text((0, 0), "gancli sample image", "black", title)
        left = 0
        for model, count in (("fashion-mnist", 49), ("emoji", 36)):
            grid = Path(folder, f"{model}.png")
            gancli("sample", "image", model, "-n", str(count), "--seed", "0", "--grid", "-o",
                   str(grid))
            picture = Image.open(grid).convert("RGBA")
            strip.paste(picture, (left, _TOP), picture)
            left += picture.width + _BETWEEN
        left += _GAP
        draw.text((left, 0), "gancli sample audio", "black", title)
        spectrogram = Path(folder, "digits.png")
        gancli("sample", "audio", "digits", "-n", "12", "--seed", "0", "-o",
               str(Path(folder, "digits.wav")), "--spectrogram", str(spectrogram))
        picture = Image.open(spectrogram)
        # There is no space for axes here, and none for pictures at twice their resolution.
        box = (LEFT, TOP, picture.width - RIGHT, picture.height - BOTTOM)
        picture = picture.crop(box).reduce(2)
        strip.paste(picture, (left, _TOP))
        left += picture.width + _GAP
        draw.text((left, 0), "gancli sample text", "black", title)
        names = gancli("sample", "text", "names", "-n", "27", "--seed", "0").splitlines()
        for index, name in enumerate(names):
            column, row = divmod(index, 9)
            draw.text((left + column * 92, _TOP + row * 22), name, "black", body)
    strip.quantize(128).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else _ROOT / "samples/generated/strip.png"))
