"""Convert log-mel frames back to sound (numpy)."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gancli.modalities.audio.filters import inverse_filters, mel_filters
from gancli.modalities.audio.frames import FLOOR, from_item
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.seeds import Stream, philox

_TINY = np.float32(1e-12)


def mel_to_audio(item: np.ndarray, spec: AudioSpec, seed: int) -> np.ndarray:
    """Return the waveform of an item: its clip's log-mel inverted by Griffin-Lim.

    The mel bands give the magnitudes of all frequencies, by :func:`mel_to_magnitudes`, and these
    the phases and samples, by :func:`griffin_lim`.

    Args:
        item: Shape (frames, depth), as :func:`gancli.modalities.audio.mel.to_items` returns it.
        spec: The spec of the model.
        seed: Fixes the initial phases.

    Returns:
        Samples, float32, shape (frames inside the clip * hop, channels), not normalized.
    """
    bands = np.maximum(np.exp(from_item(item, spec)) - np.float32(FLOOR), 0)
    # The transform has one more frame, centered on the very end, that items leave out.
    bands = np.concatenate([bands, bands[..., -1:]], 2)
    magnitudes = mel_to_magnitudes(bands, spec)
    return np.ascontiguousarray(griffin_lim(magnitudes, spec, seed).T)


def mel_to_magnitudes(bands: np.ndarray, spec: AudioSpec, updates: int = 10) -> np.ndarray:
    """Return magnitudes (channels, window / 2 + 1, frames) whose mel bands are close to these.

    The pseudo-inverse of the mel filters, refined by multiplicative updates (Lee and Seung 2001,
    Algorithms for non-negative matrix factorization).

    Args:
        bands: Mel magnitudes, float32, shape (channels, bins, frames).
        spec: The spec of the model.
        updates: Number of multiplicative updates.
    """
    filters = mel_filters(spec.rate, spec.window, spec.bins)
    inverse = inverse_filters(spec.rate, spec.window, spec.bins)
    magnitudes: np.ndarray = np.maximum(inverse.T @ bands, np.float32(1e-4))
    wanted = filters @ bands
    for _ in range(updates):
        estimate = filters @ (filters.T @ magnitudes)
        magnitudes *= wanted / np.maximum(estimate, np.float32(1e-8))
    return magnitudes


def griffin_lim(
    magnitudes: np.ndarray, spec: AudioSpec, seed: int, iterations: int = 32,
    momentum: float = 0.99,
) -> np.ndarray:
    """Return sound (channels, samples) whose magnitudes are close to those given.

    The fast algorithm of Perraudin et al. 2013, A fast Griffin-Lim algorithm;
    ``tests/benchmarks/inversion.py`` compares it with that of torchaudio.

    Args:
        magnitudes: Float32, shape (channels, window / 2 + 1, frames).
        spec: The spec of the model.
        seed: Fixes the initial phases.
        iterations: Number of iterations.
        momentum: 0 gives the algorithm of Griffin and Lim 1984.
    """
    transform = _FourierTransform(spec.window, spec.hop, magnitudes.shape[2])
    angles = philox(seed, Stream.PHASE).random(magnitudes.shape, np.float32) * np.float32(2 * np.pi)
    phases = (np.cos(angles) + 1j * np.sin(angles)).swapaxes(1, 2)
    wanted = np.ascontiguousarray(magnitudes.swapaxes(1, 2))  # a frame's values side by side
    previous, factor = np.zeros_like(phases), np.float32(momentum / (1 + momentum))
    for _ in range(iterations):
        spectrum = transform.forward(transform.inverse(wanted * phases))
        phases = spectrum - factor * previous
        phases /= np.maximum(np.abs(phases), _TINY)
        previous = spectrum
    return transform.inverse(wanted * phases)


class _FourierTransform:
    """The short-time Fourier transform of sounds of one length, and its inverse.

    Hann windows, the first centered on the first sample and the last after the last one; beyond
    the sound there are zeros.

    Args:
        size: Samples in a window.
        hop: Samples from one window to the next.
        frames: Number of windows.
    """

    def __init__(self, size: int, hop: int, frames: int) -> None:
        self._size, self._hop, self._frames = size, hop, frames
        places = np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / size)
        self._window = np.float32(0.5) - np.float32(0.5) * np.cos(places)
        weights = np.broadcast_to(np.square(self._window), (1, frames, size))
        self._weights = np.maximum(self._overlapped(weights), _TINY)

    def forward(self, sound: np.ndarray) -> np.ndarray:
        """Return the spectrum (channels, frames, size / 2 + 1) of a sound (channels, samples)."""
        half = self._size // 2
        padded = np.zeros((len(sound), sound.shape[1] + 2 * half), np.float32)
        padded[:, half:-half] = sound
        windows = sliding_window_view(padded, self._size, 1)[:, :: self._hop]
        return np.fft.rfft(windows * self._window)

    def inverse(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the sound (channels, (frames - 1) * hop) whose spectrum is nearest."""
        windows = np.fft.irfft(spectrum, self._size).astype(np.float32, copy=False)
        windows *= self._window
        sound = self._overlapped(windows)
        sound /= self._weights
        return sound

    def _overlapped(self, windows: np.ndarray) -> np.ndarray:
        """Return the sum of windows (channels, frames, size), each at its place."""
        hops = -(-self._size // self._hop)
        channels, frames = len(windows), self._frames
        padded = np.zeros((channels, frames, hops * self._hop), np.float32)
        padded[..., : self._size] = windows
        pieces = padded.reshape(channels, frames, hops, self._hop)
        total = np.zeros((channels, frames + hops - 1, self._hop), np.float32)
        for place in range(hops):
            total[:, place : place + frames] += pieces[:, :, place]
        start = self._size // 2
        return total.reshape(channels, -1)[:, start : start + (frames - 1) * self._hop]
