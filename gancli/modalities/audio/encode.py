"""Sound as bytes in a format."""

import io
from collections.abc import Mapping

import numpy as np

from gancli.errors import GancliError
from gancli.modalities.audio.spec import LEVEL

FORMATS: Mapping[str, str] = {".wav": "wav", ".flac": "flac", ".ogg": "ogg", ".raw": "raw"}
_KINDS = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS")}


def normalized(samples: np.ndarray) -> np.ndarray:
    """Return samples (n, channels) with their peak at 0.95; silence stays silent."""
    peak = float(np.abs(samples).max(initial=0.0))
    scaled: np.ndarray = samples * np.float32(LEVEL / peak) if peak > 1e-6 else samples
    return scaled


def pcm(samples: np.ndarray) -> bytes:
    """Return samples (n, channels) in [-1, 1] as signed 16 bit numbers, little endian."""
    data: bytes = np.rint(samples * 32767).astype("<i2").tobytes()
    return data


def encode(samples: np.ndarray, rate: int, form: str) -> bytes:
    """Return samples (n, channels) in [-1, 1] as a whole file.

    Args:
        samples: float32.
        rate: Samples a second.
        form: ``wav``, ``flac``, ``ogg`` or ``raw``.

    Raises:
        GancliError: The format does not know this rate.
    """
    if form == "raw":
        return pcm(samples)
    import soundfile

    kind, subtype = _KINDS[form]
    buffer = io.BytesIO()
    try:
        # As numbers of 16 bits: soundfile's own rounding of floats depends on its build.
        data = np.rint(samples * 32767).astype(np.int16)
        soundfile.write(buffer, data, rate, subtype, format=kind)
    except soundfile.LibsndfileError as error:
        raise GancliError(
            f"{form.upper()} cannot hold {rate:,} samples a second: {error}", "Choose wav."
        ) from error
    return buffer.getvalue()
