"""Encode samples as the bytes of a sound file."""

import io
import zlib
from collections.abc import Mapping

import numpy as np

from gancli.errors import GancliError
from gancli.modalities.audio.spec import PEAK

FORMATS: Mapping[str, str] = {".wav": "wav", ".flac": "flac", ".ogg": "ogg", ".raw": "raw"}
_CONTAINERS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS")}

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def normalized(samples: np.ndarray) -> np.ndarray:
    """Return samples (n, channels) scaled to a peak of 0.95; silence stays silent."""
    peak = float(np.abs(samples).max(initial=0.0))
    scaled: np.ndarray = samples * np.float32(PEAK / peak) if peak > 1e-6 else samples
    return scaled


def pcm(samples: np.ndarray) -> bytes:
    """Return samples (n, channels) in [-1, 1] as signed 16-bit little-endian PCM."""
    data: bytes = np.rint(samples * 32767).astype("<i2").tobytes()
    return data


def encode(samples: np.ndarray, rate: int, form: str, comment: str) -> bytes:
    """Return samples as the bytes of a complete file.

    Args:
        samples: float32, shape (n, channels), in [-1, 1].
        rate: Sample rate in Hz.
        form: ``wav``, ``flac``, ``ogg`` or ``raw``, which has no room for a comment.
        comment: What the file says of itself; libsndfile reads up to 2,048 bytes of it in a WAV.

    Raises:
        GancliError: The format does not support this rate.
    """
    if form == "raw":
        return pcm(samples)
    import soundfile

    container, subtype = _CONTAINERS[form]
    buffer = io.BytesIO()
    try:
        # Converted to 16 bits here, since how soundfile rounds floats depends on its build.
        data = np.rint(samples * 32767).astype(np.int16)
        with soundfile.SoundFile(
            buffer, "w", rate, samples.shape[1], subtype, format=container
        ) as file:
            file.comment = comment
            file.write(data)
    except soundfile.LibsndfileError as error:
        raise GancliError(
            f"{form.upper()} does not support a sample rate of {rate:,} Hz: {error}",
            "Choose wav.",
        ) from error
    data = buffer.getvalue()
    return _with_fixed_serial(data) if form == "ogg" else data


def _with_fixed_serial(ogg: bytes) -> bytes:
    """Return an Ogg stream with serial number 0 for the random one of libsndfile.

    So that the same sound is the same bytes. Each page holds the number and a checksum (RFC 3533),
    which is CRC-32 from the other end than zlib's: its bits are reversed, in and out.
    """
    pages, start = [], 0
    while start < len(ogg):
        segments = ogg[start + 26]
        length = 27 + segments + sum(ogg[start + 27 : start + 27 + segments])
        page = bytearray(ogg[start : start + length])
        page[14:18] = page[22:26] = bytes(4)
        crc = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
        page[22:26] = crc.to_bytes(4, "big").translate(_REVERSED)
        pages.append(bytes(page))
        start += length
    return b"".join(pages)
