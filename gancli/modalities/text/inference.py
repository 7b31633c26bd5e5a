"""The networks of ``networks.py``, and the drawing of texts, without torch."""

import numpy as np

from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END, UNKNOWN
from gancli.sampling.engines.numpy import ArrayNetworks
from gancli.sampling.engines.numpy.functions import activation, softmax
from gancli.sampling.engines.numpy.layers import Embedding, LayerNorm, Linear, multiply
from gancli.sampling.engines.numpy.parameters import Array, Parameters
from gancli.sampling.engines.numpy.recurrent import Recurrent, State

_CHUNK = 32
_NEVER = np.float32(-np.inf)


def networks(spec: TextSpec, config: TextConfig, parameters: Parameters) -> ArrayNetworks:
    """Return the generator and the discriminator.

    Raises:
        Misfit: The arrays do not fit the spec and config.
    """
    return ArrayNetworks(
        _Generator(spec, config, parameters.below("generator")),
        _Discriminator(spec, config, parameters.below("discriminator")),
        mixes_items=False, chunk=_CHUNK,
    )


class _Generator:
    """Noise (n, steps) to ids and their log-probabilities (n, steps, 2), zeros after the end.

    The arguments are those of :func:`gancli.modalities.text.autoregression.draw_texts`.
    """

    def __init__(self, spec: TextSpec, config: TextConfig, parameters: Parameters) -> None:
        self._stream = spec.split == "stream"
        self._embedding = Embedding(parameters.below("embedding"), spec.size, config.embedding)
        self._start = Embedding(
            parameters.below("start"), max(len(spec.classes), 1), config.embedding
        )
        self._cell = Recurrent(
            parameters.below("cell"), config.g_cell, config.embedding, config.g_width,
            config.g_layers,
        )
        outputs = config.embedding if config.tied else spec.size
        self._tied = config.tied
        self._project = Linear(
            parameters.below("project"), self._cell.outputs, outputs, bias=not config.tied
        )
        self._bias = parameters.take("bias", spec.size) if config.tied else np.float32(0)
        # Never drawn: what stands for unknown tokens, and an end where there is none.
        self._never = np.zeros(spec.size, np.float32)
        self._never[[UNKNOWN, END] if self._stream else [UNKNOWN]] = _NEVER

    def __call__(
        self, noise: Array, labels: Array | None = None, prompt: Array | None = None,
        begins: Array | None = None, temperature: Array | None = None,
        top_k: Array | None = None, top_p: Array | None = None,
    ) -> Array:
        count, steps = noise.shape
        prompt_length = 0 if prompt is None else prompt.shape[1]
        items = np.zeros((count, steps, 2), np.float32)
        rows = np.arange(count)  # of the texts that go on
        first = self._start(np.zeros(count, np.int64) if labels is None else labels)[:, None]
        condition = np.zeros_like(first) if labels is None else first
        inputs, state = first + condition, None
        for step in range(steps):
            logits, state = self._step(inputs, state)
            learned = _log_softmax(logits)
            if prompt is not None and step < prompt_length:
                tokens = prompt[rows, step]
            else:
                if begins is not None and step == prompt_length:
                    logits = np.where(begins[rows], logits, _NEVER)
                filters = (None if part is None else part[rows, None]
                           for part in (temperature, top_k, top_p))
                tokens = draw(drop_unlikely(logits, *filters), noise[rows, step])
            items[rows, step, 0] = tokens
            items[rows, step, 1] = learned[np.arange(len(rows)), tokens]
            if not self._stream and (ended := tokens == END).any():
                running = ~ended
                rows, tokens, condition = rows[running], tokens[running], condition[running]
                state = self._cell.keep(state, running)
                if not len(rows):
                    break
            inputs = self._embedding(tokens)[:, None] + condition
        return items

    def _step(self, inputs: Array, state: State | None) -> tuple[Array, State]:
        """Read one token (n, 1, embedding); return the logits of the next one, and the state."""
        hidden, state = self._cell(inputs, state)
        logits = self._project(hidden[:, 0])
        if self._tied:
            logits = multiply(logits, self._embedding.weight.T)
        logits += self._bias + self._never
        return logits, state


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(1, keepdims=True))
    result: Array = shifted
    return result


def drop_unlikely(
    logits: Array, temperature: Array | None = None, top_k: Array | None = None,
    top_p: Array | None = None,
) -> Array:
    """Return filtered logits, shape (n, size); the likeliest is always left.

    As in ``draw.py``, but each filter has the shape (n, 1).
    """
    if temperature is not None:
        logits = logits / temperature
    if top_k is None and top_p is None:
        return logits
    order = np.argsort(-logits, 1, kind="stable")
    ranked = np.take_along_axis(logits, order, 1)
    drop = np.zeros(logits.shape, bool)
    if top_k is not None:
        drop |= np.arange(logits.shape[1]) >= top_k
    if top_p is not None:
        probabilities = softmax(np.where(drop, _NEVER, ranked))
        drop |= _cumulative(probabilities) - probabilities >= top_p
    unlikely = np.zeros_like(drop)
    np.put_along_axis(unlikely, order, drop, 1)
    return np.where(unlikely, _NEVER, logits)


def draw(logits: Array, noise: Array) -> Array:
    """Return a token for each row: the inverse of the cumulative distribution at its noise.

    Args:
        logits: Shape (n, size); minus infinity is never drawn.
        noise: In [0, 1), shape (n,).
    """
    cumulative = _cumulative(softmax(logits))
    tokens = (cumulative <= noise[:, None] * cumulative[:, -1:]).sum(1)
    result: Array = np.minimum(tokens, logits.shape[1] - 1)
    return result


def _cumulative(probabilities: Array) -> Array:
    """Return sums up to each place, in double precision as torch's are: a vocabulary is large."""
    return np.cumsum(probabilities, 1, dtype=np.float64).astype(np.float32)


class _Discriminator:
    """Items (n, steps, 2) and labels (n,) to logits (n,)."""

    def __init__(self, spec: TextSpec, config: TextConfig, parameters: Parameters) -> None:
        self._stream = spec.split == "stream"
        self._embedding = Embedding(parameters.below("embedding"), spec.size, config.embedding)
        self._start = Embedding(
            parameters.below("start"), max(len(spec.classes), 1), config.embedding
        )
        self._cell = Recurrent(
            parameters.below("cell"), config.d_cell, config.embedding, config.d_width,
            config.d_layers, config.d_direction == "both",
        )
        width = self._cell.outputs
        self._norm = LayerNorm(parameters.below("norm"), width)
        Linear(parameters.below("each"), width, 1)  # judges tokens, in training alone
        whole = parameters.below("whole")
        self._hidden = Linear(whole.below(0), 3 * width, config.d_width)
        self._logit = Linear(whole.below(2), config.d_width, 1)
        self._activation = activation("leaky_relu", 0.2)

    def __call__(self, items: Array, labels: Array | None) -> Array:
        tokens = items[..., 0].astype(np.int64)
        ends = tokens == END
        mask = np.ones_like(ends) if self._stream else ends.cumsum(1) - ends == 0
        embedded = self._embedding(tokens)
        if labels is not None:
            embedded = embedded + self._start(labels)[:, None]
        hidden = self._norm(self._cell(embedded, None, mask)[0])
        lengths, inside = mask.sum(1, keepdims=True), mask[..., None]
        mean = (hidden * inside).sum(1) / lengths.astype(np.float32)
        maximum = np.where(inside, hidden, _NEVER).max(1)
        last = np.take_along_axis(hidden, (lengths - 1)[..., None], 1)[:, 0]
        features = np.concatenate([mean, maximum, last], 1)
        return self._logit(self._activation(self._hidden(features)))[:, 0]
