"""The table of layers, on networks whose cost is counted by hand."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from gancli.layers.recurrent import Recurrent
from gancli.layers.summary import LayerRow, layer_table

RECURRENT = {"lstm": ("LSTM", 4), "gru": ("GRU", 3), "rnn": ("RNN", 1)}  # gates of each


def table(network, *inputs):
    return layer_table(network.eval(), lambda: network(*inputs))


def test_convolutions_and_linear():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1, bias=False),  # 6x6 -> 3x3
        nn.ReLU(),
        nn.ConvTranspose2d(8, 2, 4, 2, 1),  # 3x3 -> 6x6
        nn.Flatten(),
        nn.Linear(72, 5),
    )
    assert table(network, torch.zeros(1, 3, 6, 6)) == [
        LayerRow("0", "Conv2d", (8, 3, 3), 3 * 8 * 16, 9 * 8 * 3 * 16),
        LayerRow("1", "ReLU", (8, 3, 3), 0, 0),
        LayerRow("2", "ConvTranspose2d", (2, 6, 6), 8 * 2 * 16 + 2, 9 * 8 * 2 * 16),
        LayerRow("3", "Flatten", (72,), 0, 0),
        LayerRow("4", "Linear", (5,), 72 * 5 + 5, 72 * 5),
    ]


def test_groups_divide_the_work():
    network = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False))
    (row,) = table(network, torch.zeros(1, 4, 5, 5))
    assert (row.parameters, row.multiply_adds) == (2 * 8 * 9, 25 * 8 * 2 * 9)


def test_spectral_norm_is_not_a_layer_of_its_own():
    network = nn.Sequential(parametrizations.spectral_norm(nn.Linear(7, 3)), nn.Identity())
    assert table(network, torch.zeros(1, 7)) == [LayerRow("0", "Linear", (3,), 24, 21)]


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize("inference", [False, True])
def test_recurrent_layers(cell, inference):
    kind, gates = RECURRENT[cell]
    network = Recurrent(cell, 5, 8, 2)
    with torch.inference_mode(inference):
        rows = table(network, torch.zeros(1, 7, 5))
    # The first layer reads the inputs and its state, the second the first's outputs and its state.
    weights = gates * 8 * (5 + 8) + gates * 8 * (8 + 8)
    assert rows == [LayerRow("stack", kind, (7, 8), weights + 2 * 2 * gates * 8, 7 * weights)]


@pytest.mark.parametrize("cell", RECURRENT)
def test_recurrent_layers_in_both_directions(cell):
    kind, gates = RECURRENT[cell]
    weights = gates * 8 * (5 + 8) + gates * 8 * (8 + 8)
    rows = table(Recurrent(cell, 5, 8, 2, bidirectional=True), torch.zeros(1, 7, 5))
    assert rows == [
        LayerRow(name, kind, (7, 8), weights + 2 * 2 * gates * 8, 7 * weights)
        for name in ("back", "stack")
    ]
    both = nn.Sequential(
        getattr(nn, kind)(5, 8, 2, batch_first=True, bidirectional=True, bias=False)
    )
    weights = 2 * gates * 8 * (5 + 8) + 2 * gates * 8 * (16 + 8)
    assert table(both, torch.zeros(1, 7, 5)) == [
        LayerRow("0", kind, (7, 16), weights, 7 * weights)
    ]


@pytest.mark.parametrize("both", [False, True])
def test_attention_is_the_transformer_block_s_own(both):
    network = Recurrent("transformer", 5, 8, 2, both)
    rows = {row.name: row for row in table(network, torch.zeros(1, 7, 5))}
    attention = [row for row in rows.values() if row.kind == type(network.stack.blocks[0]).__name__]
    # Each of 7 queries meets 7 keys, and weighs 7 values, of 8 channels.
    assert [(row.parameters, row.multiply_adds) for row in attention] == [(0, 2 * 7 * 7 * 8)] * 2
    assert attention[0].output_shape == (7, 8)
    linear = [row.multiply_adds for row in rows.values() if row.kind == "Linear"]
    assert sum(linear) == 7 * 5 * 8 + 2 * 7 * (3 + 1 + 4 + 4) * 8 * 8
    assert sum(row.parameters for row in rows.values()) == sum(
        parameter.numel() for parameter in network.parameters()
    )


def test_runs_of_a_layer_add_up_in_one_row():
    recurrent, transformer = Recurrent("gru", 5, 8, 1), Recurrent("transformer", 5, 8, 1)

    def steps(network):
        state = None
        for _ in range(7):
            _, state = network(torch.zeros(1, 1, 5), state)

    (row,) = layer_table(recurrent, lambda: steps(recurrent))
    assert (row.output_shape, row.multiply_adds) == ((1, 8), 7 * 3 * 8 * (5 + 8))
    rows = layer_table(transformer.eval(), lambda: steps(transformer))
    (attention,) = [row for row in rows if row.multiply_adds and row.kind != "Linear"]
    assert attention.multiply_adds == 2 * (1 + 2 + 3 + 4 + 5 + 6 + 7) * 8  # over a growing past


class Tied(nn.Module):
    """Scores of tokens by the weights that embed them; one layer that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(2, 3)
        self.embedding, self.linear = nn.Embedding(4, 6), nn.Linear(6, 6)
        self.bias = nn.Parameter(torch.zeros(4))

    def scores(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.linear(self.embedding(tokens)) @ self.embedding.weight.T + self.bias

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.scores(tokens).softmax(2)


@pytest.mark.parametrize("method", ["forward", "scores"])
def test_what_no_child_does_is_the_module_s_own(method):
    network = Tied().eval()
    run = network if method == "forward" else network.scores
    assert layer_table(network, lambda: run(torch.zeros(1, 5, dtype=torch.int64))) == [
        LayerRow("embedding", "Embedding", (5, 6), 4 * 6, 0),
        LayerRow("linear", "Linear", (5, 6), 6 * 6 + 6, 5 * 6 * 6),
        LayerRow("", "Tied", (5, 4) if method == "forward" else (), 4, 5 * 6 * 4),
        LayerRow("unused", "Linear", (), 2 * 3 + 3, 0),
    ]


def test_hooks_are_removed_and_a_failure_passes_through():
    network = nn.Sequential(nn.Linear(3, 2))
    with pytest.raises(RuntimeError):
        table(network, torch.zeros(1, 4))
    assert not any(
        module._forward_hooks or module._forward_pre_hooks for module in network.modules()
    )
