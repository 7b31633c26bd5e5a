"""The networks of ``networks.py`` and ``frame_basis.py`` without torch."""

import math

import numpy as np

from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.frames import FAINT, after_end, silence
from gancli.modalities.audio.inputs import components
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.engines.numpy import ArrayNetworks
from gancli.sampling.engines.numpy.functions import activation, softplus
from gancli.sampling.engines.numpy.layers import Embedding, LayerNorm, Linear
from gancli.sampling.engines.numpy.parameters import Array, Parameters
from gancli.sampling.engines.numpy.recurrent import Recurrent

_CHUNK = 16


def networks(spec: AudioSpec, config: AudioConfig, parameters: Parameters) -> ArrayNetworks:
    """Return the generator and the discriminator.

    Raises:
        Misfit: The arrays do not fit the spec and config.
    """
    return ArrayNetworks(
        _Generator(spec, config, parameters.below("generator")),
        _Discriminator(spec, config, parameters.below("discriminator")),
        mixes_items=False, chunk=_CHUNK,
    )


class _FrameBasis:
    """The principal components of windows of ``2 * size`` frames, ``size`` apart."""

    def __init__(self, spec: AudioSpec, config: AudioConfig, parameters: Parameters) -> None:
        self.size, self.bands = config.step_frames, spec.depth - 1
        self.components = components(spec, config)
        values = 2 * self.size * self.bands
        self.shapes = parameters.buffer("shapes", self.components, values)
        self.mean = parameters.buffer("mean", values)
        self.deviation = parameters.buffer("deviation", self.components)


class _FrameEncoder(_FrameBasis):
    """Items (n, frames, depth) to the weights and the presence of windows."""

    def __init__(self, spec: AudioSpec, config: AudioConfig, parameters: Parameters) -> None:
        super().__init__(spec, config, parameters)
        self.outputs = self.components + 2 * self.size
        self._padding = after_end(spec)

    def __call__(self, items: Array) -> Array:
        n, frames, depth = items.shape
        before, after = (
            np.broadcast_to(self._padding, (n, count, depth))
            for count in (self.size, self.size + -frames % self.size)
        )
        steps = np.concatenate([before, items, after], 1).reshape(n, -1, self.size, depth)
        windows = np.concatenate([steps[:, :-1], steps[:, 1:]], 2)
        bands, presence = windows[..., :-1].reshape(n, windows.shape[1], -1), windows[..., -1]
        return np.concatenate([(bands - self.mean) @ self.shapes.T, presence], 2)


class _FrameDecoder(_FrameBasis):
    """Weights (n, steps + 1, components) to frames (n, steps * size, bands) by overlap-add."""

    def __init__(self, spec: AudioSpec, config: AudioConfig, parameters: Parameters) -> None:
        super().__init__(spec, config, parameters)
        phase = (np.arange(2 * self.size, dtype=np.float32) + np.float32(0.5)) * np.float32(
            math.pi / (2 * self.size)
        )
        self._fade = np.square(np.sin(phase))[:, None]

    def __call__(self, weights: Array) -> Array:
        windows = (weights * self.deviation) @ self.shapes + self.mean
        faded = windows.reshape(*weights.shape[:2], 2 * self.size, self.bands) * self._fade
        frames = faded[:, :-1, self.size :] + faded[:, 1:, : self.size]
        joined: Array = frames.reshape(len(weights), -1, self.bands)
        return joined


class _Generator:
    """z (n, latent + windows * k) and labels (n,) to items (n, frames, depth)."""

    def __init__(self, spec: AudioSpec, config: AudioConfig, parameters: Parameters) -> None:
        self._latent, self._noise, classes = config.latent, config.noise, len(spec.classes)
        self._frames, self._ends = spec.frames, spec.ends
        self._steps = -(-spec.frames // config.step_frames)
        self._embedding = (
            Embedding(parameters.below("embedding"), classes, config.latent) if classes else None
        )
        condition = config.latent * (2 if classes else 1)
        self._cell = Recurrent(
            parameters.below("cell"), config.g_cell, condition + config.noise + self._ends,
            config.g_width, config.g_layers,
        )
        self._states = 0 if config.g_cell == "transformer" else 1 + (config.g_cell == "lstm")
        self._layers, width = config.g_layers, config.g_width
        self._start = Linear(
            parameters.below("start"), condition, max(self._states, 1) * config.g_layers * width
        )
        self._shapes = _FrameDecoder(spec, config, parameters.below("shapes"))
        self._components = self._shapes.components
        head = parameters.below("head")
        self._norm = LayerNorm(head.below(0), width)
        self._hidden = Linear(head.below(1), width, 2 * width)
        self._activation = activation(config.g_activation, config.slope)
        self._outputs = Linear(
            head.below(3), 2 * width, 2 * self._components + config.step_frames
        )
        self._silence = silence(spec)

    def __call__(self, z: Array, labels: Array | None = None) -> Array:
        n, condition = len(z), z[:, : self._latent]
        step_noise = z[:, self._latent :].reshape(n, -1, self._noise + self._components)
        noise, texture = step_noise[..., : self._noise], step_noise[..., self._noise :]
        windows = step_noise.shape[1]
        if self._embedding is not None:
            assert labels is not None
            condition = np.concatenate([condition, self._embedding(labels)], 1)
        inputs = [np.broadcast_to(condition[:, None], (n, windows, condition.shape[1])), noise]
        if self._ends:
            place = np.arange(windows, dtype=np.float32) / np.float32(self._steps)
            inputs.append(np.broadcast_to(place[None, :, None], (n, windows, 1)))
        state = None
        if self._states:
            initial = np.tanh(self._start(condition)).reshape(n, self._states, self._layers, -1)
            state = [initial[:, part].swapaxes(0, 1) for part in range(self._states)]
        hidden, _ = self._cell(np.concatenate(inputs, 2), state)
        outputs = self._outputs(self._activation(self._hidden(self._norm(hidden))))
        weights, strengths, presence = np.split(
            outputs, [self._components, 2 * self._components], 2
        )
        sound = self._shapes(weights + softplus(strengths - np.float32(FAINT)) * texture)
        presence = presence[:, 1:].reshape(n, -1, 1)
        if windows == self._steps + 1:
            sound, presence = sound[:, : self._frames], presence[:, : self._frames]
        if not self._ends:
            return np.concatenate([sound, np.ones_like(presence)], 2)
        presence = np.tanh(presence)
        inside = (presence + np.float32(1)) / np.float32(2)
        sound = self._silence + inside * (sound - self._silence)
        return np.concatenate([sound, presence], 2)


class _Discriminator:
    """Items (n, frames, depth) and labels (n,) to logits (n,)."""

    def __init__(self, spec: AudioSpec, config: AudioConfig, parameters: Parameters) -> None:
        classes, width = len(spec.classes), config.d_width
        self._shapes = _FrameEncoder(spec, config, parameters.below("shapes"))
        read = parameters.below("read")
        self._read = [
            Linear(read.below(0), self._shapes.outputs, 2 * width),
            Linear(read.below(2), 2 * width, width),
        ]
        self._activation = activation(config.d_activation, config.slope)
        self._cell = Recurrent(
            parameters.below("cell"), config.d_cell, width, width, config.d_layers,
            config.d_direction == "both",
        )
        features = 2 * self._cell.outputs
        self._whole = Linear(parameters.below("whole"), features, 1)
        self._each = Linear(parameters.below("each"), self._cell.outputs, 1)
        self._projection = (
            Embedding(parameters.below("projection"), classes, features) if classes else None
        )

    def __call__(self, items: Array, labels: Array | None) -> Array:
        x = self._shapes(items)
        for layer in self._read:
            x = self._activation(layer(x))
        hidden, _ = self._cell(x)
        features = np.concatenate([hidden.mean(1), hidden.max(1)], 1)
        logits: Array = self._whole(features)[:, 0] + self._each(hidden)[..., 0].mean(1)
        if self._projection is not None:
            assert labels is not None
            logits = logits + (features * self._projection(labels)).sum(1)
        return logits
