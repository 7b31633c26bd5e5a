"""Batches hold texts of like length, and yet every token counts alike."""

import pytest
import torch

from gancli.modalities.text.phases.likelihood import likelihood_loss
from gancli.modalities.text.phases.texts import Texts, discriminator_loss

SHORT, LONG = 2, 11


def texts(length):
    """Return two texts of a number of letters and an END."""
    random = torch.Generator().manual_seed(length)
    tokens = torch.zeros(2, length + 1, dtype=torch.long)
    tokens[:, :length] = torch.randint(2, 8, (2, length), generator=random)
    return Texts(tokens, torch.ones_like(tokens, dtype=torch.bool), None)


def test_a_token_weighs_as_much_in_a_short_text_as_in_a_long_one(spec_of, networks_of):
    networks, _ = networks_of(spec_of(), g_dropout=0.0)
    network, random = networks["generator"], torch.Generator()
    for length in (SHORT, LONG):
        some = texts(length)
        loss, mean = likelihood_loss(network, some, 12, random)
        each = -network.log_likelihoods(some.tokens, some.seen, None)
        assert loss.item() == pytest.approx(each.sum().item() / (2 * 12))
        assert mean == pytest.approx(each.mean().item())


def test_judgements_of_tokens_weigh_alike_too(spec_of, networks_of):
    networks, _ = networks_of(spec_of(), d_dropout=0.0)
    judge = networks["discriminator"]
    for length in (SHORT, LONG):
        some = texts(length)
        loss, _ = discriminator_loss(judge, some, some, None, 0.0, 12)
        each, _ = judge.judge(judge.embedding(some.tokens), some.seen, None)
        both = torch.nn.functional.softplus(each) + torch.nn.functional.softplus(-each)
        assert loss.item() == pytest.approx(both.sum().item() / (2 * 12), rel=1e-5)
