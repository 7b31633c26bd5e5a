"""Windows of frames as weights of principal components."""

import numpy as np
import pytest
import torch

from gancli.data.dataset import Dataset
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.frame_basis import FrameDecoder, FrameEncoder
from gancli.modalities.audio.mel import after_end, to_items
from gancli.modalities.audio.start import start

SMALL = {"g_width": 12, "d_width": 12, "latent": 5, "noise": 3}


def smooth(count=60, frames=16):
    """Return clips that four numbers for each describe, whole to their ends, in 8 bands."""
    rng = np.random.default_rng(0)
    time = np.linspace(0, np.pi, frames)[None, :, None]
    a, b, c, d = rng.normal(size=(4, count, 1, 1))
    band = np.linspace(-1, 1, 8)[None, None]
    found = a * np.sin(time) + b * band + 0.3 * c * np.cos(2 * time) * band + 0.1 * d
    items = np.concatenate([found, np.ones((count, frames, 1))], 2)
    return torch.from_numpy(items).float()


def fitted(kind, spec, items, **options):
    made = kind(spec, AudioConfig(**options))
    made.fit(items)
    return made


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_with_all_components_what_is_analysed_is_made_again(audio_spec, size):
    spec, items = audio_spec(), torch.randn(300, 16, 9).sign() * torch.rand(300, 16, 9)
    items[..., -1] = 1.0
    options = {"step_frames": size, "components": 4096}
    analysis, synthesis = (
        fitted(kind, spec, items, **options) for kind in (FrameEncoder, FrameDecoder)
    )
    found = analysis(items)
    steps = -(-16 // size)
    assert found.shape == (300, steps + 1, 2 * size * 8 + 2 * size)
    weights = found[..., : analysis.components] / synthesis.deviation
    assert torch.allclose(synthesis(weights)[:, :16], items[..., :-1], atol=1e-3)


def test_few_components_hold_what_is_smooth_and_nothing_of_noise(audio_spec):
    spec, items = audio_spec(), smooth()
    options = {"components": 6}
    analysis, synthesis = (
        fitted(kind, spec, items, **options) for kind in (FrameEncoder, FrameDecoder)
    )

    def again(given):
        weights = analysis(given)[..., :6] / synthesis.deviation
        return synthesis(weights)[:, 4:12]  # the outer steps border on silence

    assert (again(items) - items[:, 4:12, :-1]).abs().max() < 0.01
    alternating = torch.tensor([1.0, -1.0]).repeat(8)[None, :, None] * torch.ones(60, 16, 8)
    rough = torch.cat([items[..., :-1] + alternating, items[..., -1:]], 2)
    assert (again(rough) - items[:, 4:12, :-1]).abs().max() < 0.1


def test_components_are_orthonormal_the_widest_first_and_unit_weights_vary_as_clips_do(audio_spec):
    spec, items = audio_spec(), smooth()
    analysis = fitted(FrameEncoder, spec, items, components=6)
    assert torch.allclose(analysis.shapes @ analysis.shapes.T, torch.eye(6), atol=1e-5)
    inside = analysis(items)[:, 1:-1, :6].flatten(0, 1)  # of windows that are inside whole
    assert torch.allclose(inside.mean(0), torch.zeros(6), atol=1e-4)
    assert torch.allclose(inside.std(0, correction=0), analysis.deviation, atol=1e-4)
    assert (analysis.deviation.diff() <= 1e-6).all()


def test_windows_fade_into_each_other(audio_spec):
    synthesis = FrameDecoder(audio_spec(), AudioConfig(step_frames=2, components=1))
    synthesis.shapes.fill_(1.0)
    synthesis.deviation.fill_(1.0)
    made = synthesis(torch.tensor([[[0.0], [1.0], [1.0], [0.0]]]))[0, :, 0]
    near, far = np.sin(np.pi / 8) ** 2, np.cos(np.pi / 8) ** 2
    assert made.tolist() == pytest.approx([near, far, 1, 1, far, near])


def test_clips_shorter_than_a_window_have_shapes_too(audio_spec):
    items = torch.randn(5, 8, 9)
    items[:, 3:] = after_end(audio_spec())
    items[:, :3, -1] = 1.0
    analysis = fitted(FrameEncoder, audio_spec(frames=8), items, components=4)
    assert (analysis.deviation > 0).all() and analysis(items).isfinite().all()


def test_all_networks_of_a_training_know_the_shapes_of_its_clips_alone(audio_spec):
    spec = audio_spec()
    rng = np.random.default_rng(0)
    samples = rng.integers(-9000, 9000, (12, 16 * 128, 1)).astype(np.int16)
    samples[8:] = 0  # held out
    lengths = np.full(12, 16, np.int32)
    everything = np.arange(12)
    dataset = Dataset(
        {"samples": samples, "lengths": lengths}, None, everything[:8], everything[8:], "x"
    )
    networks = start(spec, AudioConfig(**SMALL), dataset)
    train = to_items(torch.from_numpy(samples[:8]), torch.from_numpy(lengths[:8]), spec)
    wanted = fitted(FrameEncoder, spec, train, **SMALL).state_dict()
    assert set(networks) == {"generator", "discriminator", "encoder"}
    for network in networks.values():
        found = network.shapes.state_dict()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert "encoder" not in start(spec, AudioConfig(**SMALL, warm_start=0.0), dataset)
