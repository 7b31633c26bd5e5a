"""The text generator's inputs."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from gancli.config.unicode import decomposed, normalized
from gancli.errors import UsageError
from gancli.modalities.text.config import TextSampleConfig
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import FIRST
from gancli.sampling.classes import choose_labels
from gancli.sampling.request import Inputs, SampleRequest
from gancli.sampling.seeds import uniform


def generator_inputs(
    requests: Sequence[SampleRequest], spec: TextSpec, options: TextSampleConfig
) -> Inputs:
    """Return ``noise``, float32, shape (n, steps), and what the options ask for besides.

    That is ``prompt``, int64, shape (n, length), the ids that each text begins with; ``begins``,
    bool, shape (n, size), which ids the first token after it may have; and the filters
    ``temperature``, ``top_k`` and ``top_p``, each of shape (n,).

    Raises:
        UsageError: The prompt holds what the model has never seen, or is too long.
    """
    count = len(requests)
    steps = options.max_length or spec.length
    arrays: dict[str, np.ndarray] = {}
    if options.prompt is not None:
        ids, rest = _encoded_prompt(spec, options.prompt)
        if len(ids) >= steps:
            raise UsageError(
                f"The prompt has {len(ids):,} tokens, and a sample at most {steps:,}.",
                "Shorten it, or raise --max-length.",
            )
        if len(ids):
            arrays["prompt"] = np.tile(ids.astype(np.int64), (count, 1))
        if rest:
            arrays["begins"] = np.tile(_beginnings(spec, rest), (count, 1))
    arrays["noise"] = np.stack([uniform(request, steps) for request in requests])
    if options.temperature != 1.0:
        arrays["temperature"] = np.full(count, options.temperature, np.float32)
    if options.top_k is not None:
        arrays["top_k"] = np.full(count, options.top_k, np.int64)
    if options.top_p is not None:
        arrays["top_p"] = np.full(count, options.top_p, np.float32)
    labels = choose_labels(requests, options.class_name, spec.classes, spec.class_counts)
    return Inputs(arrays, labels)


def _encoded_prompt(spec: TextSpec, prompt: str) -> tuple[np.ndarray, str]:
    """Return the ids of a prompt and what must follow, in the Unicode form that the model knows.

    Models learn text in NFC, but earlier ones learned it as it was.
    """
    encode = spec.tokenizer().encode_prompt
    try:
        return encode(normalized(prompt))
    except UsageError:
        for form in {prompt, decomposed(prompt)} - {normalized(prompt)}:
            with suppress(UsageError):
                return encode(form)
        raise


def _beginnings(spec: TextSpec, rest: str) -> np.ndarray:
    """Return which ids begin with the rest of a prompt, bool, shape (size,)."""
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
