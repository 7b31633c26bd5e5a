"""What the phases of text have in common: batches as tokens with a mask, and drawn texts."""

from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from gancli.modalities.text.autoregression import draw_texts
from gancli.modalities.text.networks import Discriminator, Generator, token_mask
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import UNKNOWN
from gancli.phases.base import Batch
from gancli.runtime.shard import Shard


@dataclass(frozen=True)
class Texts:
    """A batch of token sequences.

    Args:
        tokens: Ids, shape (n, steps).
        mask: Where the texts are, their END included if they have one, shape (n, steps).
        labels: Classes, shape (n,), or None.
    """

    tokens: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: slice) -> "Texts":
        """Return some of the texts."""
        labels = None if self.labels is None else self.labels[rows]
        return Texts(self.tokens[rows], self.mask[rows], labels)


def real_texts(batch: Batch, spec: TextSpec) -> Texts:
    """Return a batch of the data; a text that was cut has no END to learn."""
    tokens = batch.arrays["tokens"][:, : spec.length]
    return Texts(tokens, token_mask(tokens, spec.split == "stream"), batch.labels)


def without_unknown(texts: Texts) -> Texts:
    """Return the texts that could have been drawn, or all if there are none.

    Only real texts hold tokens outside of the vocabulary. A discriminator that may look at those
    would tell real from drawn by them and learn nothing that helps.
    """
    known = (texts.tokens != UNKNOWN).all(1)
    if not known.any():
        return texts
    labels = None if texts.labels is None else texts.labels[known]
    return Texts(texts.tokens[known], texts.mask[known], labels)


def token_fraction(texts: Texts, length: int) -> torch.Tensor:
    """Return the tokens of a batch over those of as many texts of full length, a scalar.

    Real batches hold texts of like length. A mean over tokens in each would make a token of a
    short text count for more than one of a long text, and short texts would be drawn too often;
    weighted by this, all tokens count alike.
    """
    return texts.mask.sum() / (len(texts.tokens) * length)


@torch.no_grad()
def drawn_texts(
    generator: Generator, labels: torch.Tensor | None, spec: TextSpec, shard: Shard
) -> Texts:
    """Return a shard of drawn texts, as many steps long as the longest of all of them."""
    tokens = draw_texts(generator, shard.uniform(spec.length), labels)[..., 0].long()
    mask = token_mask(tokens, generator.stream)
    lengths = torch.cat([mask.sum(1), mask.new_ones(1, dtype=torch.long)])
    longest = int(shard.ranks.maximum(lengths.max()))
    return Texts(tokens[:, :longest], mask[:, :longest], labels)


def discriminator_loss(
    discriminator: Discriminator, real: Texts, fake: Texts, shard: Shard, text_weight: float,
    length: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of telling real from drawn texts, and the accuracy, float64 on the CPU.

    Both are this process's shares.

    Args:
        discriminator: The network.
        real, fake: The texts.
        shard: Of either; source of dropout.
        text_weight: Weight of the logits of whole texts; those of tokens have the rest.
        length: Of the model, in tokens; logits of that many count as one of a whole text.
    """
    loss = torch.zeros((), device=real.tokens.device)
    accuracy = torch.zeros((), dtype=torch.float64)
    for texts, target in ((real, 1.0), (fake, 0.0)):
        embedded = discriminator.embedding(texts.tokens)
        output = discriminator.forward_embedded(embedded, texts.mask, texts.labels, shard)
        logits, token_logits = output.logits, output.token_logits
        losses = cross_entropy(logits, torch.full_like(logits, target), reduction="none")
        loss = loss + text_weight * shard.mean(losses)
        token_losses = cross_entropy(
            token_logits, torch.full_like(token_logits, target), reduction="none"
        )
        token_loss = (token_losses * texts.mask).sum() / (shard.whole * length)
        loss = loss + (1 - text_weight) * token_loss
        correct = shard.mean(((logits > 0) == bool(target)).float())
        accuracy += correct.cpu().double() / 2  # not every device has float64
    return loss, accuracy
