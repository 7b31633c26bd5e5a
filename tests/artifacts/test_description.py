"""Tables of the layers of networks of every modality and cell."""

import pytest
import torch

from gancli.artifacts.description import describe_model
from gancli.artifacts.model import Model, Weights
from gancli.config import options
from gancli.layers import weights
from gancli.layers.names import CELLS
from gancli.modalities import get
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
CLASSES = {"classes": ("a", "b"), "class_counts": (3, 4)}
LAYERS = [
    (option.name, choice)
    for option in options(ImageConfig)
    if option.group == "Networks"
    for choice in (option.choices or ((True,) if option.type is bool else ()))
]


def tables(modality, spec, config):
    """Return the rows by network and name, with no parameter left out or counted twice."""
    torch.manual_seed(0)
    networks = get(modality).trainable().build(spec, config).named()
    for network in networks.values():
        network.eval()
    arrays = Weights.of("m", weights.joined(networks))
    model = Model(get(modality), spec, config, arrays, None, {}, {})
    layers = describe_model(model, layers=True)["layers"]
    for name, network in networks.items():
        assert sum(row["parameters"] for row in layers[name]) == sum(
            parameter.numel() for parameter in network.parameters()
        )
    found = {name: {row["name"]: row for row in rows} for name, rows in layers.items()}
    assert {name: len(rows) for name, rows in layers.items()} == {
        name: len(rows) for name, rows in found.items()
    }
    return found


@pytest.mark.parametrize(("name", "choice"), LAYERS)
def test_image(name, choice):
    spec = ImageSpec(20, "RGB", "crop", count=7, **CLASSES)
    config = ImageConfig(g_width=4, d_width=4, latent=6, **{name: choice})
    layers = tables("image", spec, config)
    assert layers["generator"]["project"]["multiply_adds"] == 12 * 8 * 25
    assert layers["discriminator"]["linear"]["output_shape"] == (1,)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("direction", ["both", "forward"])
@pytest.mark.parametrize("tied", [False, True])
def test_text(cell, direction, tied):
    spec = TextSpec("char", tuple("abcdef"), "", 12, "stream", "", 0, 0, count=99, **CLASSES)
    layers = tables("text", spec, TextConfig(
        embedding=8, g_cell=cell, g_width=16, g_layers=2, tied=tied,
        d_cell=cell, d_width=16, d_layers=2, d_direction=direction,
    ))
    generator, discriminator = layers["generator"], layers["discriminator"]
    # All 12 tokens of a window, each of 8 that there are.
    assert generator["project"]["multiply_adds"] == 12 * 16 * 8
    if tied:
        assert generator[""]["multiply_adds"] == 12 * 8 * 8
    assert ("" in generator) == tied
    if cell == "transformer":
        blocks = [row for name, row in generator.items() if name.endswith("blocks.1")]
        assert [row["multiply_adds"] for row in blocks] == [2 * sum(range(1, 13)) * 16]
        assert discriminator["cell.stack.blocks.0"]["multiply_adds"] == 2 * 12 * 12 * 16
        return
    weights = GATES[cell] * 16 * (8 + 16) + GATES[cell] * 16 * (16 + 16)
    assert generator["cell.stack"]["multiply_adds"] == 12 * weights
    for name in ("stack", "back") if direction == "both" else ("stack",):
        row = discriminator[f"cell.{name}"]
        assert (row["output_shape"], row["multiply_adds"]) == ((12, 16), 12 * weights)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("direction", ["both", "forward"])
@pytest.mark.parametrize("ends", [False, True])
def test_audio(cell, direction, ends):
    spec = AudioSpec(
        rate=8000, channels=1, hop=128, window=512, bins=8, frames=16, ends=ends, trim=True,
        count=6, mean=(0.0,) * 8, deviation=(1.0,) * 8, **CLASSES,
    )
    config = AudioConfig(
        latent=5, noise=3, step_frames=4, g_cell=cell, g_width=12, g_layers=2,
        d_cell=cell, d_width=12, d_layers=2, d_direction=direction,
    )
    layers = tables("audio", spec, config)
    generator, discriminator = layers["generator"], layers["discriminator"]
    windows = 16 // 4 + 1
    components = get("audio").trainable().build(spec, config).generator.shapes.components
    for rows in (generator, discriminator):
        assert rows["shapes"]["multiply_adds"] == windows * components * 2 * 4 * 8
    assert generator["start"]["parameters"]  # though a transformer does not use it
    if cell == "transformer":
        assert generator["start"]["output_shape"] == ()
        for rows in (generator, discriminator):
            assert rows["cell.stack.blocks.1"]["multiply_adds"] == 2 * windows * windows * 12
        return
    inputs = 2 * 5 + 3 + ends
    gates = GATES[cell]
    assert generator["cell.stack"]["output_shape"] == (windows, 12)
    assert generator["cell.stack"]["multiply_adds"] == windows * gates * 12 * (
        inputs + 12 + 12 + 12
    )
    for name in ("stack", "back") if direction == "both" else ("stack",):
        row = discriminator[f"cell.{name}"]
        assert (row["output_shape"], row["multiply_adds"]) == (
            (windows, 12), windows * gates * 12 * (12 + 12 + 12 + 12)
        )
