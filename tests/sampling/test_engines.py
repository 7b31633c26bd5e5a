"""Each layer choice of each modality: numpy computes what torch does, and the same bits always."""

import numpy as np
import pytest
import torch

from gancli.artifacts.arrays import load_arrays
from gancli.artifacts.model import Model, Weights
from gancli.artifacts.networks import torch_engine
from gancli.config import options
from gancli.layers import weights
from gancli.modalities import get
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.text.spec import TextSpec
from gancli.sampling.engines.numpy import NumpyEngine
from gancli.sampling.request import Inputs, SampleRequest

CLASSES = {"classes": ("a", "b", "c"), "class_counts": (3, 4, 5), "count": 12}
NO_CLASSES = {"classes": (), "class_counts": (), "count": 12}
TEXT = {"rules": "", "field": "", "text_column": 0, "label_column": 0}
SPECS = {
    "image": [
        ImageSpec(20, "RGB", "crop", **CLASSES), ImageSpec(16, "L", "crop", **NO_CLASSES),
        ImageSpec(28, "RGBA", "crop", **NO_CLASSES),
    ],
    "text": [
        TextSpec("char", tuple("abcdefghijk"), length=9, split="lines", **CLASSES, **TEXT),
        TextSpec("char", tuple("abcdefg"), length=6, split="stream", **NO_CLASSES, **TEXT),
        TextSpec("byte", (), length=12, split="paragraphs", **NO_CLASSES, **TEXT),
    ],
    "audio": [
        AudioSpec(8000, channels, 128, 512, 8, 12, ends, True, (-1.0,) * 8 * channels,
                  (0.7,) * 8 * channels, **classes)
        for channels, ends, classes in ((1, True, CLASSES), (2, False, NO_CLASSES))
    ],
}
# Values of the options that are numbers; a new one needs some here.
NUMBERS = {
    "latent": (3, 8), "g_width": (5, 12, 64), "d_width": (7, 12, 64), "g_layers": (1, 2),
    "d_layers": (1, 2), "noise": (1, 8), "step_frames": (1, 2, 3, 4), "components": (5, 96),
    "embedding": (6, 16), "slope": (0.0, 0.2, 1.0), "g_dropout": (0.4,), "d_dropout": (0.4,),
}
SMALL = {name: values[0] for name, values in NUMBERS.items()}
TORCH_ONLY = {"init"}  # decides how a training begins


def network_options(modality):
    """Return the values of each option of the networks."""
    found = {}
    for option in options(get(modality).config_type):
        if option.group == "Networks" and option.name not in TORCH_ONLY:
            found[option.name] = (
                (False, True) if option.type is bool else option.choices or NUMBERS[option.name]
            )
    return found


def small(modality):
    known = network_options(modality)
    return {name: value for name, value in SMALL.items() if name in known}


def single_choices():
    """Yield each value of each option, all else being small and by default."""
    for modality in SPECS:
        for name, values in network_options(modality).items():
            yield from ((modality, {**small(modality), name: value}) for value in values)


def mixed_choices(count=12):
    """Yield random values of all options."""
    rng = np.random.default_rng(0)
    for modality in SPECS:
        for _ in range(count):
            chosen = {
                name: values[rng.integers(len(values))]
                for name, values in network_options(modality).items()
            }
            yield modality, chosen


def built(modality, spec, chosen, seed=0):
    """Return a model with random weights, running statistics and frame bases, and both engines."""
    torch.manual_seed(seed)
    kind = get(modality)
    config = kind.config_type(**chosen)
    networks = kind.trainable().build(spec, config)
    for network in networks.named().values():
        network.eval().requires_grad_(False)
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2.0)
            elif name.endswith(("running_mean", "modulation_bias", "bias", "bias_hh_l0")):
                tensor.normal_(0.0, 0.5)
            elif name.endswith((".shapes", ".deviation")):
                tensor.normal_(0.0, 0.3)
    arrays = weights.joined(networks.named())
    model = Model(kind, spec, config, Weights.of("model", arrays), None, {}, {})
    torch_engine_ = torch_engine(
        kind.trainable(), networks.generator, networks.discriminator, torch.device("cpu"), 8
    )
    return model, NumpyEngine(load_arrays(model)), torch_engine_


def inputs_of(model, count, **values):
    codec = model.modality.codec()(model.spec, model.config)
    requests = [SampleRequest(seed) for seed in range(count)]
    return codec.inputs(requests, model.modality.options_type(**values))


def rows(inputs, chosen):
    return Inputs(
        {name: array[chosen] for name, array in inputs.arrays.items()},
        None if inputs.labels is None else inputs.labels[chosen],
    )


def distance(one, other):
    return float(np.abs(one - other).max() / max(1.0, np.abs(other).max()))


def check(modality, spec, chosen, count=5, **values):
    """Check that engines agree, and that numpy's bits depend on an item's own inputs alone."""
    model, numpy_engine, torch_engine_ = built(modality, spec, chosen)
    inputs = inputs_of(model, count, **values)
    expected, items = torch_engine_.generate(inputs), numpy_engine.generate(inputs)
    assert items.dtype == np.float32 and items.shape == expected.shape
    assert distance(items, expected) < 1e-5
    logits = torch_engine_.discriminate(expected, inputs.labels, count)
    judged = numpy_engine.discriminate(expected, inputs.labels, count)
    assert judged.dtype == np.float32 and judged.shape == (count,)
    assert distance(judged, logits) < 1e-5
    assert np.ptp(logits) > 0 and np.ptp(expected) > 0
    for chosen in ([3], [4, 0], [2, 2, 1, 3]):
        assert np.array_equal(numpy_engine.generate(rows(inputs, chosen)), items[chosen])
        if not getattr(model.config, "minibatch_stddev", False):
            labels = None if inputs.labels is None else inputs.labels[chosen]
            again = numpy_engine.discriminate(expected[chosen], labels)
            assert np.array_equal(again, judged[chosen])


def test_threads_change_no_bit():
    model, engine, _ = built("text", SPECS["text"][0], small("text"))
    inputs = inputs_of(model, 150)
    items = engine.generate(inputs)
    shared = NumpyEngine(load_arrays(model), workers=3)
    assert np.array_equal(shared.generate(inputs), items)
    logits = engine.discriminate(items, inputs.labels)
    assert np.array_equal(shared.discriminate(items, inputs.labels), logits)


CHOICES = [*single_choices(), *mixed_choices()]


@pytest.mark.parametrize("place", range(len(CHOICES)), ids=lambda place: str(CHOICES[place]))
def test_numpy_agrees_with_torch(place):
    modality, chosen = CHOICES[place]
    specs = SPECS[modality]
    check(modality, specs[place % len(specs)], chosen)
