"""Networks of every size and of every layer that can be chosen."""

import copy

import numpy as np
import pytest
import torch

from gancli.config import options, resolve
from gancli.data.dataset import Dataset
from gancli.layers.names import DOWN_SAMPLERS, HEADS, NORMALIZATIONS
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.ladder import sides
from gancli.modalities.image.networks import build
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.image.training import phases

LAYERS = [
    (each.name, choice)
    for each in options(ImageConfig)
    if each.group == "Networks"
    for choice in (each.choices or ((True,) if each.type is bool else ()))
]

RATES = {"g_lr": 1e-3, "d_lr": 1e-3}


def made(size=16, channels="L", classes=(), **chosen):
    config, _ = resolve(
        ImageConfig, command_line={"g_width": 4, "d_width": 4, "latent": 6, **chosen}
    )
    spec = ImageSpec(size, channels, "crop", classes, (1,) * len(classes), 10)
    torch.manual_seed(0)
    return build(spec, config)


@pytest.mark.parametrize("size", range(16, 260, 4))
def test_every_multiple_of_four_has_a_ladder_from_a_small_picture(size):
    ladder = sides(size)
    assert ladder[-1] == size and 4 <= ladder[0] <= 7
    assert all(2 * low in (high, high + 1) for low, high in zip(ladder, ladder[1:], strict=False))


@pytest.mark.parametrize("size", [16, 20, 28, 36, 44, 100])
@pytest.mark.parametrize(("channels", "depth"), [("L", 1), ("RGB", 3), ("RGBA", 4)])
def test_shapes(size, channels, depth):
    networks = made(size, channels, ("a", "b"))
    labels = torch.tensor([0, 1, 1])
    images = networks.generator(torch.randn(3, 6), labels)
    assert images.shape == (3, depth, size, size) and images.abs().max() <= 1
    assert networks.discriminator(images, labels).logits.shape == (3,)


@pytest.mark.parametrize(("name", "choice"), LAYERS)
def test_every_layer_trains_both_networks(name, choice):
    networks = made(20, "RGB", ("a", "b"), **{name: choice})
    labels = torch.tensor([0, 1, 0, 1])
    logits = networks.discriminator(
        networks.generator(torch.randn(4, 6), labels), labels
    ).logits
    logits.square().sum().backward()
    for network in networks.named().values():
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        assert any(p.grad.abs().sum() > 0 for p in network.parameters())


def test_every_choice_gives_a_network_of_its_own():
    by_option = {}
    for name, choice in LAYERS:
        network = made(16, **{name: choice})
        images = network.generator(torch.linspace(-1, 1, 12).view(2, 6))
        logits = network.discriminator(torch.linspace(-1, 1, 512).view(2, 1, 16, 16)).logits
        outcome = (str(network), tuple(images.flatten().tolist()), tuple(logits.tolist()))
        by_option.setdefault(name, set()).add(outcome)
    for name, outcomes in by_option.items():
        assert len(outcomes) == max(1, sum(each == name for each, _ in LAYERS)), name


def test_class_changes_the_picture_and_the_verdict():
    networks = made(classes=("a", "b"))
    z = torch.randn(1, 6).expand(2, 6)
    labels = torch.tensor([0, 1])
    for network in networks.named().values():
        network.eval()
    images = networks.generator(z, labels)
    assert not torch.equal(images[0], images[1])
    same = images[:1].expand(2, -1, -1, -1)
    verdict = networks.discriminator(same, labels).logits
    assert verdict[0] != verdict[1]


def test_a_picture_does_not_depend_on_its_neighbours_when_sampling():
    generator = made().generator.eval()
    z = torch.randn(5, 6)
    assert torch.allclose(generator(z)[2], generator(z[2:3])[0], atol=1e-5)


def test_normal_init_is_that_of_dcgan():
    networks = made(64, g_width=16, d_width=16, g_norm="batch", d_norm="batch", init="normal")
    convolution = networks.discriminator.body[3][0]
    assert convolution.weight.std().item() == pytest.approx(0.02, rel=0.05)
    norm = networks.generator.body[0]
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.02) and norm.weight.std() > 0.005


def test_spectral_norm_bounds_the_weight():
    networks = made(d_norm="spectral")
    network = networks.discriminator.train()
    for _ in range(50):
        network(torch.randn(2, 1, 16, 16))
    weight = network.body[0][0].weight.flatten(1)
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("norm", ["none", "spectral"])
def test_he_keeps_the_signals_size(norm):
    network = made(64, g_width=16, d_width=16, d_norm=norm).discriminator
    layer = network.body[3][0]
    weight = layer.parametrizations.weight.original if norm == "spectral" else layer.weight
    fan = weight[0].numel()
    assert weight.std().item() == pytest.approx((2 / (1 + 0.2**2) / fan) ** 0.5, rel=0.05)
    assert layer.bias.abs().max() == 0


@pytest.mark.parametrize(
    ("size", "channels", "asked", "expected"),
    [(28, "L", None, 32), (32, "RGB", None, 64), (32, "RGBA", None, 64), (64, "RGB", None, 32),
     (32, "RGB", 16, 16)],
)
def test_pictures_in_a_step_follow_the_data_unless_asked_for(size, channels, asked, expected):
    config, _ = resolve(ImageConfig, command_line={"batch": asked, **RATES})
    spec = ImageSpec(size, channels, "crop", (), (), 10)
    dataset = Dataset({}, None, np.arange(9), np.arange(1), "pictures")
    assert [phase.batch_size for phase in phases(spec, config, dataset)] == [expected] * 2


@pytest.mark.parametrize(("cutoff", "part"), [(4.0, 0.2), (8.0, 0.5), (0.0, 1.0)])
def test_penalties_forgive_what_is_finer_than_the_cutoff(cutoff, part):
    config, _ = resolve(ImageConfig, command_line={"penalty_cutoff": cutoff, "batch": 4, **RATES})
    spec = ImageSpec(16, "L", "crop", (), (), 10)
    dataset = Dataset({}, None, np.arange(9), np.arange(1), "pictures")
    checkers = (torch.arange(16) % 2 * 2.0 - 1).expand(1, 1, 16, 16)  # 8 cycles
    for phase in phases(spec, config, dataset):
        norm_sq = getattr(phase, "adversarial", phase).norm_sq
        assert norm_sq(checkers).item() == pytest.approx(256 * part, rel=1e-4)


@pytest.mark.parametrize("down", DOWN_SAMPLERS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("minibatch_stddev", [False, True])
@pytest.mark.parametrize("norm", NORMALIZATIONS)
def test_the_discriminator_says_whether_it_mixes_items(norm, minibatch_stddev, head, down):
    network = made(
        d_norm=norm, minibatch_stddev=minibatch_stddev, head=head, down=down
    ).discriminator
    items, others = torch.randn(2, 4, 1, 16, 16)
    logits = []
    for rest in (items, others):
        same = copy.deepcopy(network)  # a pass moves what spectral norm remembers
        logits.append(same(torch.cat([items[:1], rest[1:]])).logits[0])
    mixes = not torch.allclose(*logits, rtol=1e-5, atol=1e-6)
    assert mixes == network.mixes_items
