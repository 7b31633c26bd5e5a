"""Recurrent layers: step by step as all at once, and causal unless bidirectional."""

import pytest
import torch
from helpers import whole

from gancli.layers.names import CELLS
from gancli.layers.recurrent import Recurrent, variational_dropout

N, STEPS, INPUTS, WIDTH = 3, 6, 5, 8


def recurrent(cell, layers=2, bidirectional=False, width=WIDTH):
    torch.manual_seed(0)
    return Recurrent(cell, INPUTS, width, layers, bidirectional)


def steps(count=STEPS):
    return torch.randn(N, count, INPUTS, generator=torch.Generator().manual_seed(1))


def changed(x, place):
    """Return x with other values at one step."""
    other = x.clone()
    other[:, place] += 1
    return other


@pytest.mark.parametrize("pieces", [[1] * STEPS, [2, 1, 3], [4, 2]])
@pytest.mark.parametrize("cell", CELLS)
def test_continuing_from_a_state_is_as_reading_it_all(cell, pieces):
    network, x = recurrent(cell), steps()
    whole, _ = network(x)
    assert whole.shape == (N, STEPS, network.outputs)
    outputs, state, start = [], None, 0
    for length in pieces:
        out, state = network(x[:, start : start + length], state)
        outputs.append(out)
        start += length
    assert torch.allclose(torch.cat(outputs, 1), whole, atol=1e-5)
    # The state matters: without it the same steps give other outputs.
    assert not torch.allclose(network(x[:, -1:])[0], whole[:, -1:], atol=1e-3)


@pytest.mark.parametrize("place", [1, STEPS - 1])
@pytest.mark.parametrize("cell", CELLS)
def test_a_later_step_changes_nothing_before_it(cell, place):
    network, x = recurrent(cell), steps()
    before, after = network(x)[0], network(changed(x, place))[0]
    assert torch.allclose(before[:, :place], after[:, :place], atol=1e-6)
    gap = (before - after).abs().amax((0, 2))
    assert (gap[place:] > 1e-5).all()


@pytest.mark.parametrize("cell", CELLS)
def test_if_bidirectional_every_step_depends_on_every_other(cell):
    network, x = recurrent(cell, bidirectional=True), steps()
    assert network(x)[0].shape[2] == network.outputs
    for place in (0, STEPS - 1):
        gap = (network(x)[0] - network(changed(x, place))[0]).abs().amax((0, 2))
        assert (gap > 1e-6).all()


@pytest.mark.parametrize("cell", CELLS)
def test_if_bidirectional_what_follows_an_item_does_not_matter(cell):
    network, x = recurrent(cell, bidirectional=True), steps()
    lengths = torch.tensor([2, STEPS, 4])
    mask = torch.arange(STEPS) < lengths[:, None]
    out = network(x, None, mask)[0]
    other = torch.where(mask[..., None], x, x + 3)
    assert torch.allclose(out[mask], network(other, None, mask)[0][mask], atol=1e-6)
    for row, length in enumerate(lengths.tolist()):
        alone = network(x[row : row + 1, :length])[0][0]
        assert torch.allclose(out[row, :length], alone, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_every_weight_learns(cell, bidirectional):
    network = recurrent(cell, bidirectional=bidirectional)
    out, _ = network(steps())
    (out * torch.randn(out.shape)).sum().backward()
    for name, weight in network.named_parameters():
        # A softmax does not change if all keys are shifted alike, so their bias has no gradient.
        assert weight.grad is not None and weight.grad.abs().max() > 1e-6, name


@pytest.mark.parametrize("width", [4, 7, 96, 130])
def test_a_transformer_of_any_width(width):
    network = recurrent("transformer", width=width)
    assert network(steps())[0].shape == (N, STEPS, width)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_transformer_is_the_same_when_it_trains(bidirectional):
    network, x = recurrent("transformer", bidirectional=bidirectional, width=130), steps()
    mask = torch.arange(STEPS) < torch.tensor([2, STEPS, 4])[:, None]
    outputs = [network.train(mode)(x, None, mask)[0] for mode in (True, False)]
    assert torch.allclose(*outputs, atol=1e-5)


def test_a_transformer_knows_the_order():
    network = recurrent("transformer", layers=1)
    x = steps(3)
    swapped = x[:, [1, 0, 2]]
    assert not torch.allclose(network(x)[0][:, 2], network(swapped)[0][:, 2], atol=1e-4)


def test_the_forget_gate_of_an_lstm_starts_open():
    for name, weight in recurrent("lstm").named_parameters():
        if "bias_ih" in name:
            assert weight.chunk(4)[1].eq(1).all() and weight.sum() == WIDTH
        elif "bias" in name:
            assert weight.eq(0).all()


def test_variational_dropout_drops_the_same_at_every_step():
    x = torch.ones(50, 7, 40)
    dropped = variational_dropout(x, 0.3, whole(50))
    assert torch.equal(dropped, dropped[:, :1].expand(-1, 7, -1))
    assert not torch.equal(dropped[0], dropped[1])  # items have masks of their own
    mask = dropped > 0
    assert mask.float().mean().item() == pytest.approx(0.7, abs=0.03)
    assert torch.allclose(dropped[mask], torch.tensor(1 / 0.7))
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.04)


def test_variational_dropout_of_nothing():
    x = torch.randn(2, 3, 4)
    assert variational_dropout(x, 0.5, None) is x
    assert variational_dropout(x, 0.0, whole(2)) is x
