"""A recurrent generator and discriminator of token sequences.

The generator is a language model: it gives each token's distribution after those before it. The
discriminator reads a text and says after each token, and of the whole, how real it is.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gancli.layers.discriminator import DiscriminatorOutput
from gancli.layers.recurrent import Recurrent, State, variational_dropout
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END, UNKNOWN
from gancli.phases.base import Networks
from gancli.runtime.shard import Shard


def token_mask(tokens: torch.Tensor, stream: bool) -> torch.Tensor:
    """Return where a text's tokens are, its first END included: bool, shaped as tokens (n, steps).

    A window of a stream has no end.
    """
    if stream:
        return torch.ones_like(tokens, dtype=torch.bool)
    ended = (tokens == END).cumsum(1)
    return (ended - (tokens == END).long()) == 0


class Generator(nn.Module):
    """The logits of each token given those before it, one step or a whole text at a time."""

    def __init__(self, spec: TextSpec, config: TextConfig) -> None:
        super().__init__()
        self.stream = spec.split == "stream"
        self.dropout = config.g_dropout
        self.embedding = nn.Embedding(spec.size, config.embedding)
        nn.init.normal_(self.embedding.weight, 0.0, config.embedding**-0.5)
        self.start = nn.Embedding(max(len(spec.classes), 1), config.embedding)
        self.cell = Recurrent(config.g_cell, config.embedding, config.g_width, config.g_layers)
        outputs = config.embedding if config.tied else spec.size
        self.project = nn.Linear(self.cell.outputs, outputs, bias=not config.tied)
        self.bias = nn.Parameter(torch.zeros(spec.size)) if config.tied else None

        # Never drawn: what stands for unknown tokens, and an end where there is none.
        drawn_bias = torch.zeros(spec.size)
        drawn_bias[UNKNOWN] = -torch.inf
        if self.stream:
            drawn_bias[END] = -torch.inf
        self.register_buffer("drawn_bias", drawn_bias, persistent=False)
        self.drawn_bias: torch.Tensor

    def outputs(self, hidden: torch.Tensor, drawn: bool = False) -> torch.Tensor:
        """Return the logits (..., size) of the next token, those of tokens to draw if asked."""
        logits: torch.Tensor = self.project(hidden)
        bias = self.drawn_bias if drawn else None
        if self.bias is not None:
            logits = logits @ self.embedding.weight.T
            # Added to the bias, since the logits may be a hundred times as many.
            bias = self.bias if bias is None else self.bias + bias
        return logits if bias is None else logits + bias

    def first(self, count: int, labels: torch.Tensor | None) -> torch.Tensor:
        """Return the input (n, 1, embedding) before the first token: that of its class."""
        if labels is None:
            labels = torch.zeros(count, dtype=torch.long, device=self.start.weight.device)
        embedded: torch.Tensor = self.start(labels)[:, None]
        return embedded

    def step(
        self, inputs: torch.Tensor, state: State | None = None
    ) -> tuple[torch.Tensor, State]:
        """Read one token and return the logits (n, size) of the next one to draw, and the state.

        Args:
            inputs: The token's embedding and its class's, shape (n, 1, embedding).
            state: As the step before returned it, or None at the start.
        """
        hidden, state = self.cell(inputs, state)
        return self.outputs(hidden[:, 0], drawn=True).float(), state

    def hidden(
        self, tokens: torch.Tensor, labels: torch.Tensor | None,
        shard: Shard | None = None,
    ) -> torch.Tensor:
        """Return what each token is predicted from (n, steps, width), given those before it.

        Args:
            tokens: Ids, shape (n, steps).
            labels: Classes, shape (n,), or None.
            shard: Of the texts; source of dropout, or None for none.
        """
        inputs = torch.cat([self.first(len(tokens), labels), self.embedding(tokens[:, :-1])], 1)
        # The class is an input at each token, since a state forgets.
        inputs = inputs + self.first(len(tokens), labels) if labels is not None else inputs
        hidden, _ = self.cell(variational_dropout(inputs, self.dropout, shard))
        return variational_dropout(hidden, self.dropout, shard)

    def logits(
        self, tokens: torch.Tensor, labels: torch.Tensor | None, drawn: bool = False
    ) -> torch.Tensor:
        """Return the logits (n, steps, size) of each token given those before it."""
        return self.outputs(self.hidden(tokens, labels), drawn)

    def log_likelihoods(
        self, tokens: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor | None,
        shard: Shard | None = None, drawn: bool = False,
    ) -> torch.Tensor:
        """Return the logarithm of each token's probability, where ``mask``, shape (count,).

        Args:
            tokens: Ids, shape (n, steps).
            mask: Where the texts are, shape (n, steps); nothing else is computed in full.
            labels: Classes, shape (n,), or None.
            shard: Of the texts; source of dropout, or None for none.
            drawn: Whether they were drawn, so that an unknown one had no probability.
        """
        logits = self.outputs(self.hidden(tokens, labels, shard)[mask], drawn).float()
        return -cross_entropy(logits, tokens[mask], reduction="none")


@dataclass(frozen=True)
class TextOutput(DiscriminatorOutput):
    """What a discriminator says of texts and of each token.

    Args:
        token_logits: How real each token is after those before it, shape (n, steps).
    """

    token_logits: torch.Tensor


class Discriminator(nn.Module):
    """Items (n, steps, 2) or ids (n, steps), and labels (n,), to logits of texts and tokens."""

    mixes_items = False

    def __init__(self, spec: TextSpec, config: TextConfig) -> None:
        super().__init__()
        self.stream = spec.split == "stream"
        self.dropout = config.d_dropout
        self.embedding = nn.Embedding(spec.size, config.embedding)
        self.start = nn.Embedding(max(len(spec.classes), 1), config.embedding)
        self.cell = Recurrent(
            config.d_cell, config.embedding, config.d_width, config.d_layers,
            config.d_direction == "both",
        )
        width = self.cell.outputs
        self.norm = nn.LayerNorm(width)
        self.each = nn.Linear(width, 1)
        self.whole = nn.Sequential(
            nn.Linear(3 * width, config.d_width), nn.LeakyReLU(0.2), nn.Linear(config.d_width, 1)
        )

    def forward(self, items: torch.Tensor, labels: torch.Tensor | None = None) -> TextOutput:
        tokens = (items[..., 0] if items.ndim == 3 else items).long()
        return self.forward_embedded(
            self.embedding(tokens), token_mask(tokens, self.stream), labels
        )

    def forward_embedded(
        self, embedded: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor | None,
        shard: Shard | None = None,
    ) -> TextOutput:
        """Return the logits of embedded tokens, which may be soft ones.

        Args:
            embedded: Tokens, shape (n, steps, embedding).
            mask: Where the text is, shape (n, steps).
            labels: Classes, shape (n,), or None.
            shard: Of the texts; source of dropout, or None for none.
        """
        if labels is not None:
            embedded = embedded + self.start(labels)[:, None]
        hidden, _ = self.cell(variational_dropout(embedded, self.dropout, shard), None, mask)
        hidden = variational_dropout(self.norm(hidden), self.dropout, shard)
        lengths = mask.sum(1, keepdim=True)
        inside = mask[..., None]
        mean = (hidden * inside).sum(1) / lengths
        maximum = hidden.masked_fill(~inside, -torch.inf).amax(1)
        last = hidden.gather(1, (lengths - 1)[..., None].expand(-1, -1, hidden.shape[2]))[:, 0]
        features = torch.cat([mean, maximum, last], 1)
        text_logits, token_logits = self.whole(features)[:, 0], self.each(hidden)[..., 0]
        return TextOutput(text_logits.float(), features, token_logits.float())


def build(spec: TextSpec, config: TextConfig) -> Networks:
    """Return the generator and the discriminator."""
    return Networks(Generator(spec, config), Discriminator(spec, config))
