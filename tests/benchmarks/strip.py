"""The strip of samples at the top of the README, drawn from the bundled models.

    python tests/benchmarks/strip.py [samples/generated/strip.png]

Nothing is picked: 98 garments (seeds 0 to 97), the spectrograms of 12 spoken digits (seeds 0 to
11) and 27 first names (seeds 0 to 26).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_ROOT = Path(__file__).parents[2]
_WIDTH, _HEIGHT, _TOP, _GAP = 900, 224, 24, 20


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
        for seeds in ("0-48", "49-97"):
            grid = Path(folder, f"{seeds}.png")
            gancli("sample", "image", "fashion-mnist", "--seeds", seeds, "--grid", "-o", str(grid))
            picture = Image.open(grid)
            strip.paste(picture, (left, _TOP))
            left += picture.width
        left += _GAP
        draw.text((left, 0), "gancli sample audio", "black", title)
        spectrogram = Path(folder, "digits.png")
        gancli("sample", "audio", "digits", "-n", "12", "--seed", "0", "-o",
               str(Path(folder, "digits.wav")), "--spectrogram", str(spectrogram))
        picture = Image.open(spectrogram).reduce(2)  # drawn there at twice its resolution
        strip.paste(picture, (left, _TOP))
        left += picture.width + _GAP
        draw.text((left, 0), "gancli sample text", "black", title)
        names = gancli("sample", "text", "names", "-n", "27", "--seed", "0").splitlines()
        for index, name in enumerate(names):
            column, row = divmod(index, 9)
            draw.text((left + column * 92, _TOP + row * 22), name, "black", body)
    strip.quantize(64).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else _ROOT / "samples/generated/strip.png"))
