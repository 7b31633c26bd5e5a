"""What the phases of text have in common: batches as tokens with a mask, and drawn texts."""

from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from gancli.modalities.text.networks import Discriminator, Generator, seen_mask
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import UNKNOWN
from gancli.phases.base import Batch


@dataclass(frozen=True)
class Texts:
    """A batch of token sequences.

    Args:
        tokens: Ids, shape (n, steps).
        seen: Where the texts are, their END included if they have one, shape (n, steps).
        labels: Classes, shape (n,), or None.
    """

    tokens: torch.Tensor
    seen: torch.Tensor
    labels: torch.Tensor | None


def real_texts(batch: Batch, spec: TextSpec) -> Texts:
    """Return a batch of the data; a text that was cut has no END to learn."""
    tokens = batch["tokens"][:, : spec.length]
    return Texts(tokens, seen_mask(tokens, spec.split == "stream"), batch.get("labels"))


def possible(texts: Texts) -> Texts:
    """Return the texts that could have been drawn, or all if there are none.

    Only real texts hold tokens outside of the vocabulary. A discriminator that may look at those
    would tell real from drawn by them and learn nothing that helps.
    """
    known = (texts.tokens != UNKNOWN).all(1)
    if not known.any():
        return texts
    labels = None if texts.labels is None else texts.labels[known]
    return Texts(texts.tokens[known], texts.seen[known], labels)


def fullness(texts: Texts, length: int) -> float:
    """Return the tokens of a batch as a share of as many texts of full length.

    Real batches hold texts of like length. A mean over tokens in each would make a token of a
    short text count for more than one of a long text, and short texts would be drawn too often;
    weighted by this, all tokens count alike.
    """
    return float(texts.seen.sum()) / (len(texts.tokens) * length)


@torch.no_grad()
def drawn_texts(
    generator: Generator, labels: torch.Tensor | None, count: int, spec: TextSpec,
    random: torch.Generator, device: torch.device,
) -> Texts:
    """Return texts of the generator, as many steps long as the longest of them."""
    noise = torch.rand((count, spec.length), generator=random, device=device)
    tokens = generator(noise, labels)[..., 0].long()
    seen = seen_mask(tokens, generator.stream)
    longest = int(seen.sum(1).max())
    return Texts(tokens[:, :longest], seen[:, :longest], labels)


def discriminator_loss(
    discriminator: Discriminator, real: Texts, fake: Texts, random: torch.Generator | None,
    whole: float, length: int,
) -> tuple[torch.Tensor, float]:
    """Return the loss of telling real from drawn texts, and the share that is told rightly.

    Args:
        discriminator: The network.
        real, fake: The texts.
        random: Source of dropout, or None for none.
        whole: Weight of the judgement of whole texts; those of tokens have the rest.
        length: Of the model, in tokens; judgements of that many count as one of a whole text.
    """
    loss = torch.zeros((), device=real.tokens.device)
    right = 0.0
    for texts, target in ((real, 1.0), (fake, 0.0)):
        embedded = discriminator.embedding(texts.tokens)
        each, all_ = discriminator.judge(embedded, texts.seen, texts.labels, random)
        targets = torch.full_like(all_, target)
        steps = cross_entropy(each, torch.full_like(each, target), reduction="none")
        loss = loss + whole * cross_entropy(all_, targets)
        each_text = (steps * texts.seen).sum() / (len(steps) * length)
        loss = loss + (1 - whole) * each_text
        right += float(((all_ > 0) == bool(target)).float().mean()) / 2
    return loss, right
