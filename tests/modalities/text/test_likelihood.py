"""Batches hold texts of like length, and yet every token counts alike."""

import pytest
import torch
from helpers import whole
from torch.nn.functional import softplus

from gancli.modalities.text.phases.likelihood import likelihood_loss
from gancli.modalities.text.phases.texts import Texts, discriminator_loss

SHORT, LONG = 2, 11


def texts(length):
    """Return two texts of a number of letters and an END."""
    rng = torch.Generator().manual_seed(length)
    tokens = torch.zeros(2, length + 1, dtype=torch.long)
    tokens[:, :length] = torch.randint(2, 8, (2, length), generator=rng)
    return Texts(tokens, torch.ones_like(tokens, dtype=torch.bool), None)


def test_a_token_weighs_as_much_in_a_short_text_as_in_a_long_one(spec_of, networks_of):
    networks, _ = networks_of(spec_of(), g_dropout=0.0)
    generator = networks.generator
    for length in (SHORT, LONG):
        batch = texts(length)
        loss, mean = likelihood_loss(generator, batch, 12, whole(2))
        losses = -generator.log_likelihoods(batch.tokens, batch.mask, None)
        assert loss.item() == pytest.approx(losses.sum().item() / (2 * 12))
        assert mean.item() == pytest.approx(losses.mean().item())


def test_judgements_of_tokens_weigh_alike_too(spec_of, networks_of):
    networks, _ = networks_of(spec_of(), d_dropout=0.0)
    discriminator = networks.discriminator
    for length in (SHORT, LONG):
        batch = texts(length)
        loss, _ = discriminator_loss(discriminator, batch, batch, whole(2), 0.0, 12)
        embedded = discriminator.embedding(batch.tokens)
        logits = discriminator.forward_embedded(embedded, batch.mask, None).token_logits
        losses = softplus(logits) + softplus(-logits)
        assert loss.item() == pytest.approx(losses.sum().item() / (2 * 12), rel=1e-5)
