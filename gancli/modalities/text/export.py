"""One step of a text generator, which is what other programs run to sample it."""

import json
from collections.abc import Mapping

import torch
from torch import nn

from gancli.modalities.base import Graph
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.networks import Generator
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END

_USAGE = (
    "One step: token (n,) int64, -1 at the start, then the token drawn last{labels}, and the "
    "state; gives the logits (n, size) of the next token and the next state. Begin with a state "
    "of zeros{empty}. Draw a token by the softmax of its logits, until token {end} or the maximum "
    "length. {decode}"
)
_BYTES = (
    "Each piece holds one byte a character: join the pieces, encode as latin-1 and decode as UTF-8."
)
_WORDS = (
    "Pieces are words: put a space between two of them, except where one has U+FFED on that side, "
    "which is left out."
)


class Step(nn.Module):
    """Tokens (n,), -1 at the start, and a state to the next logits (n, size) and state."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self, token: torch.Tensor, state: list[torch.Tensor], labels: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        generator = self.generator
        label = torch.zeros_like(token) if labels is None else labels
        start = generator.start(label)
        embedded = generator.embedding(token.clamp_min(0))
        inputs = torch.where((token < 0)[:, None], start, embedded)
        if labels is not None:
            inputs = inputs + start
        return generator.step(inputs[:, None], state)


def graph(
    generator: nn.Module, spec: TextSpec, config: TextConfig, inputs: Mapping[str, torch.Tensor]
) -> Graph:
    """Return the step; of the inputs of whole texts only their number counts."""
    assert isinstance(generator, Generator)
    count = len(inputs["noise"])
    transformer = config.g_cell == "transformer"
    if transformer:
        _, keys = generator.step(generator.first(count, None))
        state = [part.repeat(1, 1, 3, 1) for part in keys]
        axes = {0: "batch", 2: "steps"}
    else:
        size = (config.g_layers, count, config.g_width)
        state = [torch.zeros(size) for _ in range(2 if config.g_cell == "lstm" else 1)]
        axes = {1: "batch"}
    token = torch.zeros(count, dtype=torch.int64)
    arguments: dict[str, object] = {"token": token, "state": state}
    all_axes: dict[str, object] = {"token": {0: "batch"}, "state": [axes] * len(state)}
    if spec.classes:
        arguments["labels"], all_axes["labels"] = inputs["labels"], {0: "batch"}
    names = [f"state_{index}" for index in range(len(state))]
    words = spec.tokens == "word"
    pieces = (
        ["", "", *spec.vocabulary] if words
        else [piece.decode("latin-1") for piece in spec.tokenizer().pieces()]
    )
    usage = _USAGE.format(
        labels=", labels (n,) int64, numbers of classes" if spec.classes else "",
        empty=" steps" if transformer else "", decode=_WORDS if words else _BYTES, end=END,
    )
    return Graph(
        Step(generator), arguments, all_axes,
        ["token", *names, *(["labels"] if spec.classes else [])],
        ["logits", *(f"next_{name}" for name in names)],
        {
            "usage": usage, "pieces": json.dumps(pieces), "length": str(spec.length),
            "end": "" if spec.split == "stream" else str(END),
        },
    )
