"""The networks of ``networks.py`` without torch."""

import numpy as np

from gancli.layers.names import needs_bias
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.ladder import channels, sides
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.engines.numpy import ArrayNetworks
from gancli.sampling.engines.numpy.functions import activation, output_activation
from gancli.sampling.engines.numpy.layers import Embedding, Linear
from gancli.sampling.engines.numpy.normalization import normalization
from gancli.sampling.engines.numpy.parameters import Array, Parameters
from gancli.sampling.engines.numpy.pictures import UpSample, down_sample, pool, with_stddev

_CACHED = 1 << 14  # pixels of the pictures that are computed together


def networks(spec: ImageSpec, config: ImageConfig, parameters: Parameters) -> ArrayNetworks:
    """Return the generator and the discriminator.

    Raises:
        Misfit: The arrays do not fit the spec and config.
    """
    return ArrayNetworks(
        _Generator(spec, config, parameters.below("generator")),
        _Discriminator(spec, config, parameters.below("discriminator")),
        config.minibatch_stddev, max(1, _CACHED // spec.size**2),
    )


class _Generator:
    """z (n, latent) and labels (n,) to pictures (n, depth, size, size)."""

    def __init__(self, spec: ImageSpec, config: ImageConfig, parameters: Parameters) -> None:
        assert config.g_width is not None  # a model has one
        norm, classes, ladder = config.g_norm, len(spec.classes), sides(spec.size)
        spectral, biased = norm == "spectral", needs_bias(norm)
        widths = channels(config.g_width, len(ladder) - 1)[::-1]
        code = config.latent * (2 if classes else 1)
        self._side = ladder[0]
        self._embedding = (
            Embedding(parameters.below("embedding"), classes, config.latent) if classes else None
        )
        self._project = Linear(
            parameters.below("project"), code, widths[0] * self._side**2, bias=biased,
            spectral=spectral,
        )
        body = parameters.below("body")
        self._norms = [
            normalization(body.below(3 * depth), norm, width, code)
            for depth, width in enumerate(widths)
        ]
        outputs = [*widths[1:], spec.depth]
        self._layers = [
            UpSample(
                body.below(3 * depth + 2), config.up, width, outputs[depth], ladder[depth + 1],
                bias=biased or depth + 1 == len(widths), spectral=spectral,
            )
            for depth, width in enumerate(widths)
        ]
        self._activation = activation(config.g_activation, config.slope)
        self._output = output_activation(config.g_output)

    def __call__(self, z: Array, labels: Array | None = None) -> Array:
        code = z
        if self._embedding is not None:
            assert labels is not None
            code = np.concatenate([z, self._embedding(labels)], 1)
        x = self._project(code).reshape(len(z), -1, self._side, self._side).transpose(0, 2, 3, 1)
        for norm, layer in zip(self._norms, self._layers, strict=True):
            x = layer(self._activation(norm(x, code)))
        return self._output(x.transpose(0, 3, 1, 2))


class _Discriminator:
    """Pictures (n, depth, size, size) and labels (n,) to logits (n,)."""

    def __init__(self, spec: ImageSpec, config: ImageConfig, parameters: Parameters) -> None:
        assert config.d_width is not None
        spectral, classes = config.d_norm == "spectral", len(spec.classes)
        widths = channels(config.d_width, len(sides(spec.size)) - 1)
        inputs, side = spec.depth, spec.size
        body = parameters.below("body")
        self._layers = []
        for depth, width in enumerate(widths):
            norm = config.d_norm if depth or spectral else "none"
            convolution = down_sample(
                body.below(3 * depth), config.down, inputs, width, bias=needs_bias(norm),
                spectral=spectral,
            )
            self._layers.append(
                (convolution, normalization(body.below(3 * depth + 1), norm, width))
            )
            inputs, side = width, side // 2
        self._down, self._stddev = config.down, config.minibatch_stddev
        self._pooled = config.head == "pool"
        features = (inputs + self._stddev) * (1 if self._pooled else side**2)
        self._linear = Linear(parameters.below("linear"), features, 1, spectral=spectral)
        self._projection = Embedding(
            parameters.below("projection"), classes, features, spectral=spectral
        ) if classes else None
        self._activation = activation(config.d_activation, config.slope)

    def __call__(self, items: Array, labels: Array | None) -> Array:
        x = items.transpose(0, 2, 3, 1)
        for convolution, norm in self._layers:
            x = self._activation(norm(convolution(x), None))
            if self._down != "stride":
                x = pool(self._down, x)
        if self._stddev:
            x = with_stddev(x)
        if self._pooled:
            x = x.mean((1, 2), keepdims=True)
        features = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        logits = self._linear(features)[:, 0]
        if self._projection is not None:
            assert labels is not None
            logits = logits + (features * self._projection(labels)).sum(1)
        return logits
