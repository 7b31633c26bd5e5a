"""The table of layers, on networks whose cost is counted by hand."""

import torch
from torch import nn
from torch.nn.utils import parametrizations

from gancli.layers.summary import LayerRow, layer_table


def test_convolutions_and_linear():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1, bias=False),  # 6x6 -> 3x3
        nn.ReLU(),
        nn.ConvTranspose2d(8, 2, 4, 2, 1),  # 3x3 -> 6x6
        nn.Flatten(),
        nn.Linear(72, 5),
    ).eval()
    assert layer_table(network, {"": torch.zeros(1, 3, 6, 6)}) == [
        LayerRow("0", "Conv2d", (8, 3, 3), 3 * 8 * 16, 9 * 8 * 3 * 16),
        LayerRow("1", "ReLU", (8, 3, 3), 0, 0),
        LayerRow("2", "ConvTranspose2d", (2, 6, 6), 8 * 2 * 16 + 2, 9 * 8 * 2 * 16),
        LayerRow("3", "Flatten", (72,), 0, 0),
        LayerRow("4", "Linear", (5,), 72 * 5 + 5, 72 * 5),
    ]


def test_groups_divide_the_work():
    network = nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False).eval()
    (row,) = layer_table(nn.Sequential(network), {"": torch.zeros(1, 4, 5, 5)})
    assert (row.parameters, row.multiply_adds) == (2 * 8 * 9, 25 * 8 * 2 * 9)


def test_spectral_norm_is_no_layer_of_its_own():
    network = nn.Sequential(parametrizations.spectral_norm(nn.Linear(7, 3)), nn.Identity()).eval()
    assert layer_table(network, {"": torch.zeros(1, 7)}) == [LayerRow("0", "Linear", (3,), 24, 21)]


def test_inputs_by_name_and_hooks_removed():
    class Summed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.linear = nn.Embedding(4, 6), nn.Linear(6, 2)

        def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.linear(z + self.embedding(labels))
            return out

    network = Summed().eval()
    inputs = {"z": torch.zeros(2, 6), "labels": torch.zeros(2, dtype=torch.int64)}
    rows = layer_table(network, inputs)
    assert [(row.name, row.output_shape, row.multiply_adds) for row in rows] == [
        ("embedding", (6,), 0), ("linear", (2,), 12),
    ]
    assert not any(module._forward_hooks for module in network.modules())
