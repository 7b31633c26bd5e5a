"""Drawing, the generator and the discriminator."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import samples_of, step_context
from torch import nn

from gancli.artifacts.model import Model, Weights
from gancli.artifacts.networks import torch_engine
from gancli.data.dataset import Items
from gancli.layers import weights
from gancli.layers.names import CELLS
from gancli.modalities import get
from gancli.modalities.text.autoregression import draw_texts
from gancli.modalities.text.config import TextSampleConfig
from gancli.modalities.text.dataset import TextDataset
from gancli.modalities.text.draw import Filters, draw, drop_unlikely
from gancli.modalities.text.networks import token_mask
from gancli.modalities.text.phases.discriminate import DiscriminatePhase
from gancli.modalities.text.places import Lines
from gancli.modalities.text.tokens import END, FIRST, UNKNOWN
from gancli.modalities.text.training import phases
from gancli.phases.base import Batch
from gancli.sampling.guidance import Calibration
from gancli.sampling.request import Inputs, SampleRequest
from gancli.training import session

CPU = torch.device("cpu")
LAST = 1 - 2**-24  # the greatest float32 below 1


def noise(count, steps=12, seed=0):
    return torch.rand(count, steps, generator=torch.Generator().manual_seed(seed))


# Drawing


def test_draws_follow_the_distribution_and_rise_with_the_noise():
    probabilities = torch.tensor([0.1, 0.0, 0.25, 0.05, 0.6])
    even = (torch.arange(4000) + 0.5) / 4000
    drawn = draw(probabilities.log().expand(4000, 5), even)
    assert torch.bincount(drawn, minlength=5).tolist() == [400, 0, 1000, 200, 2400]
    assert (drawn.diff() >= 0).all()


@pytest.mark.parametrize("size", [3, 50, 20_000])
def test_what_is_impossible_is_never_drawn(size):
    rng = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(200, size, generator=rng)
    logits[:, 0] = logits[:, -1] = -torch.inf
    logits[::2, size // 2 + 1 :] = -torch.inf
    for value in (0.0, 0.5, LAST):
        token = draw(logits, torch.full((200,), value))
        assert logits.gather(1, token[:, None]).isfinite().all()


def filtered(logits, **filters):
    """Return which of the tokens are left."""
    tensors = {name: torch.tensor([value]) for name, value in filters.items()}
    return (drop_unlikely(logits[None], Filters(**tensors))[0] > -torch.inf).tolist()


def test_filters_by_hand():
    logits = torch.tensor([0.1, 0.4, 0.2, 0.3]).log()
    assert filtered(logits) == [True] * 4
    assert filtered(logits, top_k=1) == [False, True, False, False]
    assert filtered(logits, top_k=3) == [False, True, True, True]
    assert filtered(logits, top_k=99) == [True] * 4
    # The likeliest that have this probability together: one more than stay below it.
    assert filtered(logits, top_p=0.3) == [False, True, False, False]
    assert filtered(logits, top_p=0.5) == [False, True, False, True]
    assert filtered(logits, top_p=0.75) == [False, True, True, True]
    assert filtered(logits, top_p=0.95) == [True] * 4
    # Of what the first leaves: 0.4 of 0.7 is more than a half.
    assert filtered(logits, top_k=2, top_p=0.5) == [False, True, False, False]
    # Likeliest by temperature: 0.16 of 0.30 is more than a half, too.
    assert filtered(logits, temperature=0.5, top_p=0.5) == [False, True, False, False]


def test_temperature_divides_and_each_row_has_its_own_filters():
    logits = torch.tensor([0.1, 0.4, 0.2, 0.3]).log().expand(2, 4)
    filtered_logits = drop_unlikely(logits, Filters(torch.tensor([0.5, 1.0])))
    squares = torch.tensor([0.01, 0.16, 0.04, 0.09])
    assert torch.allclose(filtered_logits.softmax(1)[0], squares / squares.sum())
    assert torch.allclose(filtered_logits.softmax(1)[1], logits.softmax(1)[1])
    filtered_logits = drop_unlikely(logits, Filters(top_k=torch.tensor([1, 3])))
    assert (filtered_logits > -torch.inf).sum(1).tolist() == [1, 3]


def test_among_equals_so_many_are_left_as_asked_for():
    assert sum(filtered(torch.zeros(6), top_k=2)) == 2
    assert sum(filtered(torch.zeros(6), top_p=0.01)) == 1


# The generator


@pytest.mark.parametrize("stream", [False, True])
def test_where_a_text_is(stream):
    tokens = torch.tensor([[3, 4, END, 0, 5], [END, 0, 0, 0, 0], [2, 2, 2, 2, 2]])
    lengths = [5, 5, 5] if stream else [3, 1, 5]
    assert token_mask(tokens, stream).sum(1).tolist() == lengths
    assert token_mask(tokens, stream).diff(dim=1).sum().item() == 0 or not stream


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("classes", [(), ("x", "y")])
def test_what_it_says_of_its_draws_is_what_it_learned(spec_of, networks_of, cell, tied, classes):
    spec = spec_of(classes=classes, class_counts=(1,) * len(classes))
    generator = networks_of(spec, g_cell=cell, tied=tied, g_layers=2)[0].generator
    labels = torch.arange(20) % 2 if classes else None
    items = draw_texts(generator, noise(20), labels)
    tokens = items[..., 0].long()
    mask = token_mask(tokens, False)
    assert 2 < mask.sum(1).float().mean() < 11  # some end early, some do not
    learned = generator.logits(tokens, labels, drawn=True).log_softmax(2)
    wanted = learned.gather(2, tokens[..., None])[..., 0]
    assert torch.allclose(items[..., 1][mask], wanted[mask], atol=1e-5)
    assert wanted[mask].std() > 0.1  # what came before matters
    assert items[~mask].eq(0).all()
    assert (tokens != UNKNOWN).all()


def test_draws_follow_what_it_learned(spec_of, networks_of):
    generator = networks_of(spec_of(length=2))[0].generator
    items = draw_texts(generator, noise(20_000, 2))
    tokens = items[..., 0].long()
    first = generator.logits(tokens[:1], None, drawn=True)[0, 0].softmax(0)
    frequency = torch.bincount(tokens[:, 0], minlength=8) / 20_000
    assert (frequency - first).abs().max() < 0.02 and first.max() > 1.2 / 8
    likeliest = int(first[FIRST:].argmax()) + FIRST
    prefix = torch.tensor([[likeliest, 0]])
    second = generator.logits(prefix, None, drawn=True)[0, 1].softmax(0)
    after = tokens[tokens[:, 0] == likeliest, 1]
    assert (torch.bincount(after, minlength=8) / len(after) - second).abs().max() < 0.04


def test_filters_change_draws_but_not_what_was_learned(spec_of, networks_of):
    generator = networks_of(spec_of())[0].generator
    plain = draw_texts(generator, noise(64))
    cold = draw_texts(generator, noise(64), temperature=torch.full((64,), 0.3))
    assert cold[..., 1].sum() / (cold[..., 1] != 0).sum() > (
        plain[..., 1].sum() / (plain[..., 1] != 0).sum()
    )
    greedy = draw_texts(generator, noise(64), top_k=torch.ones(64, dtype=torch.long))
    assert (greedy[..., 0] == greedy[:1, :, 0]).all()  # one text, whatever the noise
    learned = generator.logits(greedy[..., 0].long(), None, drawn=True).log_softmax(2)
    mask = token_mask(greedy[..., 0].long(), False)
    assert torch.allclose(greedy[..., 1][mask], learned.amax(2)[mask], atol=1e-5)
    narrow = draw_texts(generator, noise(64), top_p=torch.full((64,), 0.01))
    assert torch.equal(narrow, greedy)


def test_a_stream_never_ends(spec_of, networks_of):
    generator = networks_of(spec_of(split="stream"))[0].generator
    items = draw_texts(generator, noise(200))
    assert (items[..., 0] >= FIRST).all()
    assert items[..., 1].isfinite().all() and (items[..., 1] < 0).all()


def test_a_prompt_is_kept_and_gone_on_from(spec_of, networks_of):
    generator = networks_of(spec_of())[0].generator
    prompt = torch.tensor([[4, 2, 7]])
    items = draw_texts(generator, noise(50), prompt=prompt.expand(50, 3))
    tokens = items[..., 0].long()
    assert (tokens[:, :3] == prompt).all()
    assert len({tuple(row) for row in tokens.tolist()}) > 30
    learned = generator.logits(tokens, None, drawn=True).log_softmax(2)
    mask = token_mask(tokens, False)
    wanted = learned.gather(2, tokens[..., None])[..., 0]
    assert torch.allclose(items[..., 1][mask], wanted[mask], atol=1e-5)
    # The noise of a step is that step's, prompt or not: the same texts go on alike.
    plain = draw_texts(generator, noise(50))[..., 0]
    same = (plain[:, :3] == prompt).all(1)
    assert torch.equal(plain[same], tokens[same].float())


@pytest.mark.parametrize("known", [0, 2])
def test_the_rest_of_a_prompt_limits_the_next_token_alone(spec_of, networks_of, known):
    generator = networks_of(spec_of())[0].generator
    begins = torch.zeros(80, 8, dtype=torch.bool)
    begins[:, [3, 6]] = True
    prompt = torch.full((80, known), 5) if known else None
    tokens = draw_texts(generator, noise(80), prompt=prompt, begins=begins)[..., 0].long()
    assert set(tokens[:, known].tolist()) == {3, 6}
    assert len(set(tokens[:, known + 1].tolist())) > 2


def test_a_longer_limit_begins_the_same(spec_of, networks_of):
    spec = spec_of()
    networks, config = networks_of(spec)
    codec = get("text").codec()(spec, config)
    requests = [SampleRequest(seed) for seed in range(40)]
    long, short = (
        draw_texts(networks.generator, torch.from_numpy(
            codec.inputs(requests, TextSampleConfig(max_length=limit)).arrays["noise"]
        )) for limit in (30, 5)
    )
    assert long.shape[1] == 30 and torch.equal(long[:, :5, 0], short[..., 0])


@pytest.mark.parametrize("cell", CELLS)
def test_classes_change_the_text(spec_of, networks_of, cell):
    spec = spec_of(classes=("x", "y"), class_counts=(1, 1))
    generator = networks_of(spec, g_cell=cell)[0].generator
    one, other = (draw_texts(generator, noise(40), torch.full((40,), label)) for label in (0, 1))
    assert (one[..., 0] != other[..., 0]).any(1).float().mean() > 0.3
    # The class is told at each step: a later distribution differs after the same tokens.
    tokens = torch.full((1, 12), 3)
    gap = [generator.logits(tokens, torch.tensor([label]))[0] for label in (0, 1)]
    assert (gap[0] - gap[1]).abs().amax(1).min() > 1e-3


def collected(networks, config, spec, **options):
    """Return each seed with the bytes of its item and its log-odds."""
    arrays, calibration = weights.joined(networks.named()), Calibration(0.5, 0.1, 0.7)
    model = Model(get("text"), spec, config, Weights.of("tiny", arrays), calibration, {}, {})
    return {
        sample.request.seed: (sample.data.tobytes(), sample.log_odds)
        for sample in samples_of(model, jsonl=True, **options)
    }


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_a_seed_is_the_same_text_whatever_comes_with_it(spec_of, networks_of, cell, tied):
    spec = spec_of(classes=("x", "y"), class_counts=(1, 3), length=20)
    direction = "forward" if tied else "both"
    networks, config = networks_of(
        spec, g_cell=cell, d_cell=cell, tied=tied, d_direction=direction
    )
    expected = collected(networks, config, spec, seeds="0-49")
    assert len(set(expected.values())) > 15
    assert all(log_odds is not None for _, log_odds in expected.values())
    for batch in (1, 33, 64):
        order = np.random.default_rng(batch).permutation(50)[: 30 + batch % 7]
        seeds = ",".join(map(str, order))
        shuffled = collected(networks, config, spec, seeds=seeds, batch=batch)
        assert list(shuffled) == order.tolist()
        assert all(shuffled[seed] == expected[seed] for seed in shuffled), batch
    one = {17: expected[17]}
    assert collected(networks, config, spec, seed=17) == one
    chosen = collected(networks, config, spec, seeds="0-9", guided=3)
    again = collected(networks, config, spec, seeds="9,4,0", guided=3, batch=5)
    assert all(again[seed] == chosen[seed] for seed in again)


@pytest.mark.parametrize("cell", CELLS)
def test_a_row_does_not_depend_on_its_place_in_a_tile(spec_of, networks_of, cell):
    spec = spec_of(split="stream", length=24)
    options = {"g_width": 64, "d_width": 64, "embedding": 16}
    networks, _ = networks_of(spec, g_cell=cell, d_cell=cell, **options)
    rows = noise(32, 24).numpy()
    engine = torch_engine(
        get("text").trainable(), networks.generator, networks.discriminator, CPU, tile=32
    )
    items = engine.generate(Inputs({"noise": rows}))
    logits = engine.discriminate(items, None)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(32)
        assert np.array_equal(engine.generate(Inputs({"noise": rows[order]})), items[order])
        assert np.array_equal(engine.discriminate(items[order], None), logits[order])


# The discriminator


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize("cell", CELLS)
def test_what_follows_the_end_does_not_matter(spec_of, networks_of, cell, direction, layers):
    discriminator = networks_of(
        spec_of(), d_cell=cell, d_direction=direction, d_layers=layers
    )[0].discriminator
    plain = torch.tensor([[4, 5, 3, END], [6, END, END, END], [END, END, END, END]])
    padded = torch.cat([plain, torch.zeros(3, 5, dtype=torch.long)], 1)
    noisy = padded.clone()
    noisy[:, 5:] = 7
    logits = discriminator(plain).logits
    assert torch.allclose(discriminator(padded).logits, logits, atol=1e-5)
    assert torch.allclose(discriminator(noisy).logits, logits, atol=1e-5)
    assert torch.allclose(discriminator(plain[1:2, :2]).logits, logits[1:2], atol=1e-5)
    other = plain.clone()
    other[0, 0] = 7
    assert (discriminator(other).logits[0] - logits[0]).abs() > 1e-5
    assert torch.equal(discriminator(other).logits[1:], logits[1:])


@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_discriminator_does_not_mix_items_and_says_so(spec_of, networks_of, cell, direction):
    networks, _ = networks_of(spec_of(), d_cell=cell, d_direction=direction)
    discriminator = networks.discriminator.train()
    tokens = torch.randint(2, 8, (4, 12), generator=torch.Generator().manual_seed(0))
    alone = torch.cat([discriminator(text[None]).logits for text in tokens])
    assert not discriminator.mixes_items
    assert torch.allclose(discriminator(tokens).logits, alone, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_only_in_both_directions_a_token_is_judged_by_what_follows(spec_of, networks_of, cell):
    for direction in ("forward", "both"):
        networks, _ = networks_of(spec_of(), d_cell=cell, d_direction=direction)
        discriminator = networks.discriminator
        token_logits = []
        for last in (3, 4):
            tokens = torch.tensor([[5, 6, 2, last, END]])
            mask = token_mask(tokens, False)
            output = discriminator.forward_embedded(discriminator.embedding(tokens), mask, None)
            token_logits.append(output.token_logits[0])
        before, after = (logits[:3] for logits in token_logits)
        assert torch.allclose(before, after, atol=1e-6) == (direction == "forward")
        assert not torch.allclose(*(logits[3:] for logits in token_logits), atol=1e-4)


def test_items_and_ids_are_judged_alike_and_classes_matter(spec_of, networks_of):
    spec = spec_of(classes=("x", "y"), class_counts=(1, 1))
    networks, _ = networks_of(spec)
    labels = torch.arange(6) % 2
    items = draw_texts(networks.generator, noise(6), labels)
    discriminator = networks.discriminator
    logits = discriminator(items, labels).logits
    assert logits.shape == (6,)
    assert torch.equal(logits, discriminator(items[..., 0].long(), labels).logits)
    assert (logits != discriminator(items, 1 - labels).logits).all()


def test_each_part_of_the_judgement_learns(spec_of, networks_of):
    for direction in ("forward", "both"):
        discriminator = networks_of(spec_of(), d_direction=direction)[0].discriminator
        discriminator.requires_grad_(True)
        tokens = torch.randint(2, 8, (4, 12), generator=torch.Generator().manual_seed(0))
        output = discriminator.forward_embedded(
            discriminator.embedding(tokens), token_mask(tokens, False), None
        )
        (output.token_logits.square().sum() + output.logits.square().sum()).backward()
        parameters = discriminator.named_parameters()
        missing = [name for name, parameter in parameters if parameter.grad is None]
        assert missing == ["start.weight"]  # there are no classes


def test_the_discriminator_begins_from_the_generators_weights(spec_of, networks_of):
    for direction in ("forward", "both"):
        networks, config = networks_of(spec_of(), d_direction=direction)
        generator, discriminator = networks.generator, networks.discriminator
        judged = discriminator(torch.tensor([[3, 4, END]])).logits.item()
        for from_generator in (False, True):
            phase = DiscriminatePhase(
                spec=SimpleNamespace(), config=config, fraction=1.0, name="refit",
                from_generator=from_generator, text_weight=0.9,
            )
            phase.begin(networks)
            same = discriminator(torch.tensor([[3, 4, END]])).logits.item() == judged
            assert same != from_generator
        assert torch.equal(discriminator.embedding.weight, generator.embedding.weight)
        cells = discriminator.cell.stack, generator.cell.stack
        assert torch.equal(*(cell.weight_hh_l0 for cell in cells))


def test_real_texts_are_shaped_as_drawn_ones(spec_of):
    spec = spec_of(length=4, classes=("x", "y"), class_counts=(2, 2))
    ids = np.array([[2, 3, 4, 5, END], [2, UNKNOWN, END, END, END], [6, END, 0, 0, 0]])
    items, labels = get("text").trainable().real(
        Items({"tokens": ids}, np.array([0, 1, 1])), spec
    )
    tokens, likelihoods = items.unbind(-1)
    # The first fills its length, after which no text has an end. Each item has its row.
    assert tokens.tolist() == [[2, 3, 4, 5], [2, UNKNOWN, 0, 0], [6, END, 0, 0]]
    assert labels.tolist() == [0, 1, 1] and not likelihoods.any()


def test_a_discriminator_is_calibrated_on_what_can_be_drawn(spec_of, monkeypatch):
    spec = spec_of(length=4)
    tokens = np.array([2, 3, UNKNOWN, 4, UNKNOWN, 5, 6], np.uint8)
    dataset = TextDataset(
        {"tokens": tokens}, None, np.arange(2), np.arange(1, 5), "texts",
        Lines(np.array([1, 1, 2, 1, 2], np.int32)),
    )
    trainer = SimpleNamespace(
        experiment=SimpleNamespace(dataset=dataset, modality=get("text"), spec=spec),
        networks=SimpleNamespace(discriminator=nn.Identity()),
        averaged=SimpleNamespace(sample=list, engine=None),
    )
    monkeypatch.setattr(session, "calibrate", lambda engine, real, labels, drawn: (real, drawn))
    real, drawn = session._calibration(trainer)
    assert real[:, 0, 0].tolist() == [3, 5] and len(drawn) == 2


def test_the_discriminator_never_sees_an_unknown_token(spec_of, networks_of):
    spec = spec_of(length=4)
    networks, config = networks_of(spec, batch=4)
    for network in networks.named().values():
        network.train().requires_grad_(True)
    seen = []
    networks.discriminator.embedding.register_forward_pre_hook(
        lambda _, args: seen.append(args[0])
    )
    phase = phases(spec, config, None)[-1]
    tokens = torch.tensor([[2, 3, 4, 5], [2, UNKNOWN, 3, END], [6, END, 0, 0], [3, 3, END, 0]])
    phase.step(
        step_context(networks, phase.optimizers(networks), Batch({"tokens": tokens}, None))
    )
    real, fake = seen
    assert len(real) == len(fake) == 3
    assert (real != UNKNOWN).all() and (fake != UNKNOWN).all()
