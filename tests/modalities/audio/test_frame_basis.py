"""Windows of frames as weights of principal components."""

import numpy as np
import pytest
import torch

from gancli.data.dataset import Dataset
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.frame_basis import FrameDecoder, FrameEncoder
from gancli.modalities.audio.frames import after_end
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.training import start

SMALL = {"g_width": 12, "d_width": 12, "latent": 5, "noise": 3}


def smooth(count=60, frames=16):
    """Return clips in 8 bands, without padding, each described by four numbers."""
    rng = np.random.default_rng(0)
    time = np.linspace(0, np.pi, frames)[None, :, None]
    a, b, c, d = rng.normal(size=(4, count, 1, 1))
    band = np.linspace(-1, 1, 8)[None, None]
    bands = a * np.sin(time) + b * band + 0.3 * c * np.cos(2 * time) * band + 0.1 * d
    items = np.concatenate([bands, np.ones((count, frames, 1))], 2)
    return torch.from_numpy(items).float()


def fitted(kind, spec, items, **options):
    basis = kind(spec, AudioConfig(**options))
    basis.fit(items)
    return basis


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_with_all_components_decoding_inverts_encoding(audio_spec, size):
    spec, items = audio_spec(), torch.randn(300, 16, 9).sign() * torch.rand(300, 16, 9)
    items[..., -1] = 1.0
    options = {"step_frames": size, "components": 4096}
    encoder, decoder = (
        fitted(kind, spec, items, **options) for kind in (FrameEncoder, FrameDecoder)
    )
    encoded = encoder(items)
    steps = -(-16 // size)
    assert encoded.shape == (300, steps + 1, 2 * size * 8 + 2 * size)
    weights = encoded[..., : encoder.components] / decoder.deviation
    assert torch.allclose(decoder(weights)[:, :16], items[..., :-1], atol=1e-3)


def test_few_components_keep_what_is_smooth_and_drop_noise(audio_spec):
    spec, items = audio_spec(), smooth()
    options = {"components": 6}
    encoder, decoder = (
        fitted(kind, spec, items, **options) for kind in (FrameEncoder, FrameDecoder)
    )

    def projected(clips):
        weights = encoder(clips)[..., :6] / decoder.deviation
        return decoder(weights)[:, 4:12]  # the outer steps border on silence

    assert (projected(items) - items[:, 4:12, :-1]).abs().max() < 0.01
    alternating = torch.tensor([1.0, -1.0]).repeat(8)[None, :, None] * torch.ones(60, 16, 8)
    rough = torch.cat([items[..., :-1] + alternating, items[..., -1:]], 2)
    assert (projected(rough) - items[:, 4:12, :-1]).abs().max() < 0.1


def test_components_are_orthonormal_and_ordered_and_deviation_is_that_of_their_weights(audio_spec):
    spec, items = audio_spec(), smooth()
    encoder = fitted(FrameEncoder, spec, items, components=6)
    assert torch.allclose(encoder.shapes @ encoder.shapes.T, torch.eye(6), atol=1e-5)
    inside = encoder(items)[:, 1:-1, :6].flatten(0, 1)  # windows that lie inside entirely
    assert torch.allclose(inside.mean(0), torch.zeros(6), atol=1e-4)
    assert torch.allclose(inside.std(0, correction=0), encoder.deviation, atol=1e-4)
    assert (encoder.deviation.diff() <= 1e-6).all()


def test_windows_fade_into_each_other(audio_spec):
    decoder = FrameDecoder(audio_spec(), AudioConfig(step_frames=2, components=1))
    decoder.shapes.fill_(1.0)
    decoder.deviation.fill_(1.0)
    faded = decoder(torch.tensor([[[0.0], [1.0], [1.0], [0.0]]]))[0, :, 0]
    near, far = np.sin(np.pi / 8) ** 2, np.cos(np.pi / 8) ** 2
    assert faded.tolist() == pytest.approx([near, far, 1, 1, far, near])


def test_clips_shorter_than_a_window_have_components_too(audio_spec):
    items = torch.randn(5, 8, 9)
    items[:, 3:] = torch.from_numpy(after_end(audio_spec()))
    items[:, :3, -1] = 1.0
    encoder = fitted(FrameEncoder, audio_spec(frames=8), items, components=4)
    assert (encoder.deviation > 0).all() and encoder(items).isfinite().all()


def test_all_networks_of_a_training_get_the_components_of_its_training_clips(audio_spec):
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
    assert set(networks.named()) == {"generator", "discriminator", "encoder"}
    for network in networks.named().values():
        state = network.shapes.state_dict()
        assert all(torch.equal(state[name], wanted[name]) for name in wanted)
    assert not start(spec, AudioConfig(**SMALL, warm_start=0.0), dataset).extra
