"""The text generator's inputs for given seeds."""

import numpy as np

from gancli.errors import UsageError
from gancli.modalities.text.config import TextConfig, TextSampleConfig
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import FIRST
from gancli.sampling.classes import class_of
from gancli.sampling.seeds import Key, philox


def uniform(key: Key, count: int) -> np.ndarray:
    """Return a sample's noise in [0, 1), float32, shape (count,); a longer one begins the same."""
    return philox(key, 0).random(count, dtype=np.float32)


def generator_inputs(
    keys: list[Key], spec: TextSpec, config: TextConfig, options: TextSampleConfig
) -> dict[str, np.ndarray]:
    """Return the arguments of :meth:`Generator.forward` for some keys, a row each.

    Raises:
        UsageError: The prompt holds what the model has never seen, or is too long.
    """
    count = len(keys)
    steps = options.max_length or spec.length
    found: dict[str, np.ndarray] = {}
    if options.prompt is not None:
        ids, rest = spec.tokenizer().encode_prompt(options.prompt)
        if len(ids) >= steps:
            raise UsageError(
                f"The prompt has {len(ids):,} tokens, and a sample at most {steps:,}.",
                "Shorten it, or raise --max-length.",
            )
        if len(ids):
            found["prompt"] = np.tile(ids.astype(np.int64), (count, 1))
        if rest:
            found["begins"] = np.tile(_beginnings(spec, rest), (count, 1))
    found["noise"] = np.stack([uniform(key, steps) for key in keys])
    if spec.classes:
        labels = [
            class_of(key, options.class_name, spec.classes, spec.class_counts) for key in keys
        ]
        found["labels"] = np.array(labels, np.int64)
    if options.temperature != 1.0:
        found["temperature"] = np.full(count, options.temperature, np.float32)
    if options.top_k is not None:
        found["top_k"] = np.full(count, options.top_k, np.int64)
    if options.top_p is not None:
        found["top_p"] = np.full(count, options.top_p, np.float32)
    return found


def _beginnings(spec: TextSpec, rest: str) -> np.ndarray:
    """Return which ids begin with the rest of a prompt, bool (size,)."""
    wanted = rest.encode()
    pieces = spec.tokenizer().pieces()
    begins = np.array([
        index >= FIRST and bool(piece) and piece.startswith(wanted)
        for index, piece in enumerate(pieces)
    ])
    if not begins.any():
        raise UsageError(
            f"No token of this model begins with {rest!r}.", "Shorten or lengthen the prompt."
        )
    return begins
