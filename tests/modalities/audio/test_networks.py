"""The generator and the discriminator of sounds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import step_context, whole

from gancli.errors import UsageError
from gancli.modalities.audio.augment import Shift
from gancli.modalities.audio.config import AudioConfig, AudioSampleConfig
from gancli.modalities.audio.frames import after_end
from gancli.modalities.audio.inputs import generator_inputs, latent_size, step_latent_size
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.networks import Encoder, build
from gancli.modalities.audio.training import phases
from gancli.phases.base import Batch
from gancli.sampling.request import SampleRequest

SMALL = {"g_width": 12, "d_width": 12, "latent": 5, "noise": 3}
CLASSES = {"classes": ("a", "b"), "class_counts": (3, 3)}


def made(spec, count=4, **options):
    torch.manual_seed(0)
    config = AudioConfig(**{**SMALL, **options})
    networks = build(spec, config)
    clips = torch.randn(20, spec.frames, spec.depth).cumsum(1) / 4
    clips[..., -1] = 1.0
    for network in networks.named().values():
        network.shapes.fit(clips)
    z = torch.randn(count, latent_size(spec, config))
    labels = torch.arange(count) % 2 if spec.classes else None
    return networks, config, z, labels


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "transformer"])
@pytest.mark.parametrize("table", [{}, CLASSES, {"ends": False, "channels": 2}])
def test_shapes_and_gradients(audio_spec, cell, table):
    spec = audio_spec(**table)
    networks, _, z, labels = made(spec, g_cell=cell, d_cell=cell)
    items = networks.generator(z, labels)
    assert items.shape == (4, 16, spec.depth)
    logits = networks.discriminator(items, labels).logits
    assert logits.shape == (4,)
    logits.square().sum().backward()
    for name, network in networks.named().items():
        for key, weight in network.named_parameters():
            unused = cell == "transformer" and key.startswith("start.")
            assert unused or (weight.grad is not None and weight.grad.any()), (name, key)


def test_a_clip_is_silent_after_its_end(audio_spec):
    spec = audio_spec(mean=(1.0,) * 8)
    networks, _, z, _ = made(spec)
    with torch.no_grad():
        networks.generator.head[-1].bias[-4:] = -20.0  # whether each frame is inside
        items = networks.generator(z)
    assert torch.allclose(items, torch.from_numpy(after_end(spec)).expand_as(items), atol=1e-4)


def test_every_number_and_class_matters_and_later_noise_changes_nothing_before(audio_spec):
    spec = audio_spec(**CLASSES)
    networks, config, z, labels = made(spec)
    generator = networks.generator
    with torch.no_grad():
        plain = generator(z, labels)
        assert not torch.allclose(plain, generator(z, 1 - labels))
        code = z.clone()
        code[:, 0] += 1
        assert (generator(code, labels) - plain).abs().amax((0, 2)).min() > 0
        late = z.clone()
        # From the fourth window on.
        late[:, config.latent + 3 * step_latent_size(spec, config) :] += 1
        change = (generator(late, labels) - plain).abs().amax((0, 2))
        assert not change[:8].any() and (change[8:] > 0).all()


def test_texture_changes_its_window_alone_as_strongly_as_the_network_says(audio_spec):
    networks, config, z, _ = made(audio_spec(ends=False))
    generator, other = networks.generator, z.clone()
    other[:, config.latent + step_latent_size(audio_spec(), config) + config.noise] += 1.0
    changes = []
    with torch.no_grad():
        generator.head[-1].weight.zero_()
        for strength in (2.0, 3.0):
            generator.head[-1].bias.fill_(3 + np.log(np.expm1(strength)))
            changes.append((generator(other) - generator(z)).abs().amax((0, 2)))
    assert (changes[0][:8] > 0).all() and not changes[0][8:].any()  # the second window's frames
    assert torch.allclose(changes[1], 1.5 * changes[0], rtol=1e-3)


def take_step(phase, networks, batch, seed=0):
    """Do a first step of a phase and return its losses."""
    return phase.step(step_context(networks, phase.optimizers(networks), batch, seed))


def test_rebuilding_teaches_nothing_of_texture(audio_spec):
    spec = audio_spec()
    networks, config, _, _ = made(spec)
    encoder = Encoder(spec, config)
    encoder.shapes.load_state_dict(networks.generator.shapes.state_dict())
    warm = phases(spec, config, None)[0]
    wave = torch.randint(-9000, 9000, (4, 16 * 128, 1), dtype=torch.int16)
    networks = replace(networks, extra={"encoder": encoder})
    take_step(warm, networks, Batch({"samples": wave, "lengths": torch.full((4,), 16)}, None))
    weights, strengths, presence = networks.generator.head[-1].bias.grad.split(
        networks.generator.parts
    )
    assert weights.all() and presence.any() and not strengths.any()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "transformer"])
def test_the_discriminator_does_not_mix_items_and_says_so(audio_spec, cell):
    networks, _, z, _ = made(audio_spec(), d_cell=cell)
    assert not networks.discriminator.mixes_items
    with torch.no_grad():
        items = networks.generator(z)
        all_ = networks.discriminator(items).logits
        alone = torch.cat([networks.discriminator(item[None]).logits for item in items])
    assert torch.allclose(all_, alone, atol=1e-5)


def test_the_encoder_gives_a_mean_and_a_variance_for_each_number_of_the_code(audio_spec):
    spec = audio_spec()
    config = AudioConfig(**SMALL)
    mean, variance = Encoder(spec, config)(torch.randn(3, 16, 9))
    assert mean.shape == variance.shape == (3, 5)


def test_steps_of_three_frames_fit_too(audio_spec):
    networks, config, z, _ = made(audio_spec(), step_frames=3)
    assert z.shape[1] == config.latent + 7 * (config.noise + 48)  # of 6 frames of 8 bands
    items = networks.generator(z)
    assert items.shape == (4, 16, 9) and networks.discriminator(items).logits.shape == (4,)


def test_slices_can_be_made_longer_and_begin_alike(audio_spec):
    spec = audio_spec(ends=False)
    networks, config, _, _ = made(spec)
    requests = [SampleRequest(7), SampleRequest(8)]
    short, long_ = (
        generator_inputs(requests, spec, config, AudioSampleConfig(length=length)).arrays["z"]
        for length in (None, 0.5)
    )
    assert short.shape[1] < long_.shape[1]
    assert np.array_equal(short, long_[:, : short.shape[1]])
    with torch.no_grad():
        one, other = (networks.generator(torch.from_numpy(z)) for z in (short, long_))
    assert other.shape[1] == 32 and torch.allclose(one, other[:, :16], atol=1e-5)


def test_what_has_learned_its_end_cannot_be_longer(audio_spec):
    with pytest.raises(UsageError, match="up to 0.26 s"):
        AudioSampleConfig(length=0.5).frames(audio_spec())
    assert AudioSampleConfig(length=0.1).frames(audio_spec()) == 6


def test_a_shift_moves_all_items_alike(audio_spec):
    spec = audio_spec()
    items = torch.randn(3, 16, 9)
    seen = set()
    for seed in range(30):
        moved = Shift(spec, 4)(items, whole(3, seed))
        late = next(k for k in range(4) if torch.equal(moved[:, k:], items[:, : 16 - k]))
        assert (moved[:, :late] == torch.from_numpy(after_end(spec))).all()
        seen.add(late)
    assert seen == {0, 1, 2, 3}


def adversarial_step(spec, seed=0, copies=False, labels=None, **options):
    """Return the losses of a first step, and the networks with their last gradients.

    With ``copies`` the generator makes what is in the batch.
    """
    wave = torch.randint(-9000, 9000, (4, 16 * 128, 1), dtype=torch.int16)
    batch = Batch({"samples": wave, "lengths": torch.tensor([16, 12, 9, 16])}, labels)
    networks, config, _, _ = made(spec, **options)
    phase = phases(spec, config, None)[1]
    if copies:
        items = to_items(batch.arrays["samples"], batch.arrays["lengths"], spec)
        networks.generator.forward = lambda z, labels: items + 0 * networks.generator.head(
            torch.zeros(1, SMALL["g_width"])
        ).sum()
    losses = take_step(phase, networks, batch, seed)
    return {name: loss.item() for name, loss in losses.items()}, networks


def norm(network):
    gradients = [parameter.grad for parameter in network.parameters()]
    return torch.nn.utils.get_total_norm(gradients).item()


def test_the_generator_matches_features(audio_spec):
    slopes = [
        norm(adversarial_step(audio_spec(), matching=weight)[1].generator)
        for weight in (0.0, 100.0)
    ]
    assert slopes[1] > 2 * slopes[0] > 0


def test_the_noise_penalty_has_its_weight_and_its_turn(audio_spec):
    penalties = [
        adversarial_step(audio_spec(), noise_penalty=weight)[0].get("penalty")
        for weight in (0.0, 1.0, 3.0)
    ]
    assert penalties[0] is None and penalties[1] > 0
    assert penalties[2] == pytest.approx(3 * penalties[1], rel=0.05)


@pytest.mark.parametrize("penalty", [0.0, 1.0])  # with one it is the discriminator's last update
def test_gradients_of_both_networks_are_clipped(audio_spec, penalty):
    networks = adversarial_step(audio_spec(), clip=1e-4, noise_penalty=penalty)[1]
    for name, network in networks.named().items():
        assert norm(network) == pytest.approx(1e-4, rel=1e-3), name


def test_telling_classes_moves_both_networks_towards_the_right_class(audio_spec):
    spec = audio_spec(classes=("a", "b"), class_counts=(2, 2))
    labels = torch.tensor([0, 1, 0, 1])
    (plain, plain_networks), (heavy, heavy_networks) = (
        adversarial_step(spec, class_weight=weight, matching=0.0, noise_penalty=0.0, clip=1e9,
                         labels=labels)
        for weight in (0.0, 1000.0)
    )
    assert "class_loss" not in plain
    assert heavy["class_loss"] == pytest.approx(np.log(2), abs=0.3)  # nothing is learned yet
    for name in ("generator", "discriminator"):
        assert norm(getattr(heavy_networks, name)) > 10 * norm(getattr(plain_networks, name)) > 0


def test_both_batches_are_moved_alike_before_features_are_matched(audio_spec):
    for seed in range(6):  # each has a shift of its own
        losses = adversarial_step(audio_spec(), seed, copies=True)[0]
        assert losses["matching"] == pytest.approx(0, abs=1e-6)
