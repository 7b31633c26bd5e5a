"""A recurrent generator and discriminator of token sequences.

The generator is a language model: it gives each token's distribution after those before it. The
discriminator reads a text and says after each token, and of the whole, how real it is.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gancli.layers.recurrent import Recurrent, variational_dropout
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.draw import Filters, draw, drop_unlikely
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import END, UNKNOWN


def seen_mask(tokens: torch.Tensor, stream: bool) -> torch.Tensor:
    """Return where a text's tokens are, its first END included: bool, shaped as tokens (n, steps).

    A window of a stream has no end.
    """
    if stream:
        return torch.ones_like(tokens, dtype=torch.bool)
    ended = (tokens == END).cumsum(1)
    return (ended - (tokens == END).long()) == 0


class Generator(nn.Module):
    """Uniform noise (n, steps) to ids and log-probabilities (n, steps, 2)."""

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
        barred = torch.zeros(spec.size)
        barred[UNKNOWN] = -torch.inf
        if self.stream:
            barred[END] = -torch.inf
        self.register_buffer("barred", barred, persistent=False)
        self.barred: torch.Tensor

    def outputs(self, hidden: torch.Tensor, drawn: bool = False) -> torch.Tensor:
        """Return the logits (..., size) of the next token, those of tokens to draw if asked."""
        found: torch.Tensor = self.project(hidden)
        bias = self.barred if drawn else None
        if self.bias is not None:
            found = found @ self.embedding.weight.T
            # Added to the bias, since the logits may be a hundred times as many.
            bias = self.bias if bias is None else self.bias + bias
        return found if bias is None else found + bias

    def first(self, count: int, labels: torch.Tensor | None) -> torch.Tensor:
        """Return the input (n, 1, embedding) before the first token: that of its class."""
        if labels is None:
            labels = torch.zeros(count, dtype=torch.long, device=self.start.weight.device)
        found: torch.Tensor = self.start(labels)[:, None]
        return found

    def hidden(
        self, tokens: torch.Tensor, labels: torch.Tensor | None,
        random: torch.Generator | None = None,
    ) -> torch.Tensor:
        """Return what each token is predicted from (n, steps, width), given those before it.

        Args:
            tokens: Ids, shape (n, steps).
            labels: Classes, shape (n,), or None.
            random: Source of dropout, or None for none.
        """
        inputs = torch.cat([self.first(len(tokens), labels), self.embedding(tokens[:, :-1])], 1)
        # The class is told again at each token, since a state forgets.
        inputs = inputs + self.first(len(tokens), labels) if labels is not None else inputs
        hidden, _ = self.cell(variational_dropout(inputs, self.dropout, random))
        return variational_dropout(hidden, self.dropout, random)

    def logits(
        self, tokens: torch.Tensor, labels: torch.Tensor | None, drawn: bool = False
    ) -> torch.Tensor:
        """Return the logits (n, steps, size) of each token given those before it."""
        return self.outputs(self.hidden(tokens, labels), drawn)

    def log_likelihoods(
        self, tokens: torch.Tensor, seen: torch.Tensor, labels: torch.Tensor | None,
        random: torch.Generator | None = None, drawn: bool = False,
    ) -> torch.Tensor:
        """Return the logarithm of each token's probability, where ``seen``, shape (count,).

        Args:
            tokens: Ids, shape (n, steps).
            seen: Where the texts are, shape (n, steps); nothing else is computed in full.
            labels: Classes, shape (n,), or None.
            random: Source of dropout, or None for none.
            drawn: Whether they were drawn, so that an unknown one had no probability.
        """
        logits = self.outputs(self.hidden(tokens, labels, random)[seen], drawn).float()
        return -cross_entropy(logits, tokens[seen], reduction="none")

    def forward(
        self, noise: torch.Tensor, labels: torch.Tensor | None = None,
        prompt: torch.Tensor | None = None, begins: torch.Tensor | None = None,
        temperature: torch.Tensor | None = None, top_k: torch.Tensor | None = None,
        top_p: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Draw texts.

        Args:
            noise: A number in [0, 1) for each token, shape (n, steps).
            labels: Classes, shape (n,), or None.
            prompt: Ids that each text begins with, shape (n, length).
            begins: Which ids the first token after the prompt may have, bool, shape (n, size).
            temperature, top_k, top_p: Filters of the distribution, each shape (n,), or None.

        Returns:
            Ids and their log-probabilities as learned, before any filter; zeros after the end.
        """
        filters = Filters(temperature, top_k, top_p)
        count, steps = noise.shape
        known = 0 if prompt is None else prompt.shape[1]
        first = self.first(count, labels)
        told = first if labels is not None else torch.zeros_like(first)
        given, state = first + told, None
        ids = torch.zeros(count, steps, dtype=torch.long, device=noise.device)
        likelihoods = torch.zeros(count, steps, device=noise.device)
        running = torch.ones(count, dtype=torch.bool, device=noise.device)
        for step in range(steps):
            hidden, state = self.cell(given, state)
            logits = self.outputs(hidden[:, 0], drawn=True).float()
            learned = logits.log_softmax(1)
            if prompt is not None and step < known:
                token = prompt[:, step]
            else:
                if begins is not None and step == known:
                    logits = logits.masked_fill(~begins, -torch.inf)
                token = draw(drop_unlikely(logits, filters), noise[:, step])
            ids[:, step] = token * running
            chosen = learned.gather(1, token[:, None])[:, 0]
            likelihoods[:, step] = torch.where(running, chosen, 0.0)  # a product would give -0.0
            if not self.stream:
                running = running & (token != END)
                if not running.any():
                    break
            given = self.embedding(token)[:, None] + told
        return torch.stack([ids.float(), likelihoods], 2)


class Discriminator(nn.Module):
    """Items (n, steps, 2) or ids (n, steps), and labels (n,), to logits (n,)."""

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

    def judge(
        self, embedded: torch.Tensor, seen: torch.Tensor, labels: torch.Tensor | None,
        random: torch.Generator | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits of each token (n, steps) and of the whole (n,).

        Args:
            embedded: Tokens, shape (n, steps, embedding).
            seen: Where the text is, shape (n, steps).
            labels: Classes, shape (n,), or None.
            random: Source of dropout, or None for none.
        """
        if labels is not None:
            embedded = embedded + self.start(labels)[:, None]
        hidden, _ = self.cell(variational_dropout(embedded, self.dropout, random), None, seen)
        hidden = variational_dropout(self.norm(hidden), self.dropout, random)
        lengths = seen.sum(1, keepdim=True)
        inside = seen[..., None]
        mean = (hidden * inside).sum(1) / lengths
        most = hidden.masked_fill(~inside, -torch.inf).amax(1)
        last = hidden.gather(1, (lengths - 1)[..., None].expand(-1, -1, hidden.shape[2]))[:, 0]
        whole: torch.Tensor = self.whole(torch.cat([mean, most, last], 1))
        each: torch.Tensor = self.each(hidden)
        return each[..., 0].float(), whole[:, 0].float()

    def forward(
        self, items: torch.Tensor, labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        tokens = (items[..., 0] if items.ndim == 3 else items).long()
        seen = seen_mask(tokens, self.stream)
        return self.judge(self.embedding(tokens), seen, labels)[1]


def build(spec: TextSpec, config: TextConfig) -> dict[str, nn.Module]:
    """Return the generator and the discriminator."""
    return {"generator": Generator(spec, config), "discriminator": Discriminator(spec, config)}


