"""Drawing, the generator and the discriminator."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gancli.artifacts.model import Model
from gancli.layers.names import CELLS
from gancli.modalities import get
from gancli.modalities.text.config import TextSampleConfig
from gancli.modalities.text.draw import Filters, draw, drop_unlikely
from gancli.modalities.text.networks import seen_mask
from gancli.modalities.text.tokens import END, FIRST, UNKNOWN
from gancli.reporting import Silent
from gancli.runtime.precision import Compute
from gancli.sampling.guidance import Calibration
from gancli.sampling.sampler import compute, sample

CPU = torch.device("cpu")
LAST = 1 - 2**-24  # the greatest float32 below 1


def noise(count, steps=12, seed=0):
    return torch.rand(count, steps, generator=torch.Generator().manual_seed(seed))


# Drawing


def test_draws_follow_the_distribution_and_rise_with_the_noise():
    shares = torch.tensor([0.1, 0.0, 0.25, 0.05, 0.6])
    even = (torch.arange(4000) + 0.5) / 4000
    drawn = draw(shares.log().expand(4000, 5), even)
    assert torch.bincount(drawn, minlength=5).tolist() == [400, 0, 1000, 200, 2400]
    assert (drawn.diff() >= 0).all()


@pytest.mark.parametrize("size", [3, 50, 20_000])
def test_what_is_impossible_is_never_drawn(size):
    random = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(200, size, generator=random)
    logits[:, 0] = logits[:, -1] = -torch.inf
    logits[::2, size // 2 + 1 :] = -torch.inf
    for value in (0.0, 0.5, LAST):
        token = draw(logits, torch.full((200,), value))
        assert logits.gather(1, token[:, None]).isfinite().all()


def filtered(logits, **filters):
    """Return which of the tokens are left."""
    given = {name: torch.tensor([value]) for name, value in filters.items()}
    return (drop_unlikely(logits[None], Filters(**given))[0] > -torch.inf).tolist()


def test_filters_by_hand():
    logits = torch.tensor([0.1, 0.4, 0.2, 0.3]).log()
    assert filtered(logits) == [True] * 4
    assert filtered(logits, top_k=1) == [False, True, False, False]
    assert filtered(logits, top_k=3) == [False, True, True, True]
    assert filtered(logits, top_k=99) == [True] * 4
    # The likeliest that make up the share together: one more than stay below it.
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
    found = drop_unlikely(logits, Filters(torch.tensor([0.5, 1.0])))
    squares = torch.tensor([0.01, 0.16, 0.04, 0.09])
    assert torch.allclose(found.softmax(1)[0], squares / squares.sum())
    assert torch.allclose(found.softmax(1)[1], logits.softmax(1)[1])
    found = drop_unlikely(logits, Filters(top_k=torch.tensor([1, 3])))
    assert (found > -torch.inf).sum(1).tolist() == [1, 3]


def test_among_equals_so_many_are_left_as_asked_for():
    assert sum(filtered(torch.zeros(6), top_k=2)) == 2
    assert sum(filtered(torch.zeros(6), top_p=0.01)) == 1


# The generator


@pytest.mark.parametrize("stream", [False, True])
def test_where_a_text_is(stream):
    tokens = torch.tensor([[3, 4, END, 0, 5], [END, 0, 0, 0, 0], [2, 2, 2, 2, 2]])
    lengths = [5, 5, 5] if stream else [3, 1, 5]
    assert seen_mask(tokens, stream).sum(1).tolist() == lengths
    assert seen_mask(tokens, stream).diff(dim=1).sum().item() == 0 or not stream


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("classes", [(), ("x", "y")])
def test_what_it_says_of_its_draws_is_what_it_learned(spec_of, networks_of, cell, tied, classes):
    spec = spec_of(classes=classes, class_counts=(1,) * len(classes))
    generator = networks_of(spec, g_cell=cell, tied=tied, g_layers=2)[0]["generator"]
    labels = torch.arange(20) % 2 if classes else None
    items = generator(noise(20), labels)
    tokens = items[..., 0].long()
    seen = seen_mask(tokens, False)
    assert 2 < seen.sum(1).float().mean() < 11  # some end early, some do not
    learned = generator.logits(tokens, labels, drawn=True).log_softmax(2)
    wanted = learned.gather(2, tokens[..., None])[..., 0]
    assert torch.allclose(items[..., 1][seen], wanted[seen], atol=1e-5)
    assert wanted[seen].std() > 0.1  # what came before matters
    assert items[~seen].eq(0).all()
    assert (tokens != UNKNOWN).all()


def test_draws_follow_what_it_learned(spec_of, networks_of):
    generator = networks_of(spec_of(length=2))[0]["generator"]
    items = generator(noise(20_000, 2))
    tokens = items[..., 0].long()
    first = generator.logits(tokens[:1], None, drawn=True)[0, 0].softmax(0)
    share = torch.bincount(tokens[:, 0], minlength=8) / 20_000
    assert (share - first).abs().max() < 0.02 and first.max() > 1.2 / 8
    given = int(first[FIRST:].argmax()) + FIRST
    prefix = torch.tensor([[given, 0]])
    second = generator.logits(prefix, None, drawn=True)[0, 1].softmax(0)
    after = tokens[tokens[:, 0] == given, 1]
    assert (torch.bincount(after, minlength=8) / len(after) - second).abs().max() < 0.04


def test_filters_change_draws_but_not_what_was_learned(spec_of, networks_of):
    generator = networks_of(spec_of())[0]["generator"]
    plain = generator(noise(64))
    cold = generator(noise(64), temperature=torch.full((64,), 0.3))
    assert cold[..., 1].sum() / (cold[..., 1] != 0).sum() > (
        plain[..., 1].sum() / (plain[..., 1] != 0).sum()
    )
    greedy = generator(noise(64), top_k=torch.ones(64, dtype=torch.long))
    assert (greedy[..., 0] == greedy[:1, :, 0]).all()  # one text, whatever the noise
    learned = generator.logits(greedy[..., 0].long(), None, drawn=True).log_softmax(2)
    seen = seen_mask(greedy[..., 0].long(), False)
    assert torch.allclose(greedy[..., 1][seen], learned.amax(2)[seen], atol=1e-5)
    narrow = generator(noise(64), top_p=torch.full((64,), 0.01))
    assert torch.equal(narrow, greedy)


def test_a_stream_never_ends(spec_of, networks_of):
    generator = networks_of(spec_of(split="stream"))[0]["generator"]
    items = generator(noise(200))
    assert (items[..., 0] >= FIRST).all()
    assert items[..., 1].isfinite().all() and (items[..., 1] < 0).all()


def test_a_prompt_is_kept_and_gone_on_from(spec_of, networks_of):
    generator = networks_of(spec_of())[0]["generator"]
    prompt = torch.tensor([[4, 2, 7]])
    items = generator(noise(50), prompt=prompt.expand(50, 3))
    tokens = items[..., 0].long()
    assert (tokens[:, :3] == prompt).all()
    assert len({tuple(row) for row in tokens.tolist()}) > 30
    learned = generator.logits(tokens, None, drawn=True).log_softmax(2)
    seen = seen_mask(tokens, False)
    wanted = learned.gather(2, tokens[..., None])[..., 0]
    assert torch.allclose(items[..., 1][seen], wanted[seen], atol=1e-5)
    # The noise of a step is that step's, prompt or not: the same texts go on alike.
    plain = generator(noise(50))[..., 0]
    same = (plain[:, :3] == prompt).all(1)
    assert torch.equal(plain[same], tokens[same].float())


@pytest.mark.parametrize("known", [0, 2])
def test_the_rest_of_a_prompt_limits_the_next_token_alone(spec_of, networks_of, known):
    generator = networks_of(spec_of())[0]["generator"]
    begins = torch.zeros(80, 8, dtype=torch.bool)
    begins[:, [3, 6]] = True
    prompt = torch.full((80, known), 5) if known else None
    tokens = generator(noise(80), prompt=prompt, begins=begins)[..., 0].long()
    assert set(tokens[:, known].tolist()) == {3, 6}
    assert len(set(tokens[:, known + 1].tolist())) > 2


def test_a_longer_limit_begins_the_same(spec_of, networks_of):
    spec = spec_of()
    networks, config = networks_of(spec)
    text = get("text")
    long, short = (
        networks["generator"](torch.from_numpy(
            text.generator_inputs(
                list(range(40)), spec, config, TextSampleConfig(max_length=most)
            )["noise"]
        )) for most in (30, 5)
    )
    assert long.shape[1] == 30 and torch.equal(long[:, :5, 0], short[..., 0])


@pytest.mark.parametrize("cell", CELLS)
def test_classes_change_the_text(spec_of, networks_of, cell):
    spec = spec_of(classes=("x", "y"), class_counts=(1, 1))
    generator = networks_of(spec, g_cell=cell)[0]["generator"]
    one, other = (generator(noise(40), torch.full((40,), label)) for label in (0, 1))
    assert (one[..., 0] != other[..., 0]).any(1).float().mean() > 0.3
    # The class is told at each step: a later distribution differs after the same tokens.
    tokens = torch.full((1, 12), 3)
    gap = [generator.logits(tokens, torch.tensor([label]))[0] for label in (0, 1)]
    assert (gap[0] - gap[1]).abs().amax(1).min() > 1e-3


def collected(networks, config, spec, **options):
    """Return each seed with the bytes of its item and its score."""
    found = {}

    class Modality:
        tile = get("text").tile
        generator_inputs = staticmethod(get("text").generator_inputs)

        @staticmethod
        def write(items, seeds, spec, options, reporter, stdout):
            for seed, item, score in items(seeds):
                found[seed] = item.tobytes(), score
            return []

    calibration = Calibration(0.5, 0.1, 0.7)
    made = Model(Modality(), spec, config, networks, calibration, {}, {})
    sample(made, TextSampleConfig(jsonl=True, **options), Silent(), io.BytesIO)
    return found


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
    for batch in (1, 33, 64):
        order = np.random.default_rng(batch).permutation(50)[: 30 + batch % 7]
        seeds = ",".join(map(str, order))
        found = collected(networks, config, spec, seeds=seeds, batch=batch)
        assert list(found) == order.tolist()
        assert all(found[seed] == expected[seed] for seed in found), batch
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
    made = compute(networks["generator"], {"noise": rows}, CPU, 32)
    judged = compute(networks["discriminator"], {"items": made}, CPU, 32)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(32)
        found = compute(networks["generator"], {"noise": rows[order]}, CPU, 32)
        assert np.array_equal(found, made[order])
        found = compute(networks["discriminator"], {"items": made[order]}, CPU, 32)
        assert np.array_equal(found, judged[order])


# The discriminator


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize("cell", CELLS)
def test_what_follows_the_end_does_not_matter(spec_of, networks_of, cell, direction, layers):
    judge = networks_of(
        spec_of(), d_cell=cell, d_direction=direction, d_layers=layers
    )[0]["discriminator"]
    plain = torch.tensor([[4, 5, 3, END], [6, END, END, END], [END, END, END, END]])
    padded = torch.cat([plain, torch.zeros(3, 5, dtype=torch.long)], 1)
    noisy = padded.clone()
    noisy[:, 5:] = 7
    logits = judge(plain)
    assert torch.allclose(judge(padded), logits, atol=1e-5)
    assert torch.allclose(judge(noisy), logits, atol=1e-5)
    assert torch.allclose(judge(plain[1:2, :2]), logits[1:2], atol=1e-5)
    other = plain.clone()
    other[0, 0] = 7
    assert (judge(other)[0] - logits[0]).abs() > 1e-5
    assert torch.equal(judge(other)[1:], logits[1:])


@pytest.mark.parametrize("cell", CELLS)
def test_only_in_both_directions_a_token_is_judged_by_what_follows(spec_of, networks_of, cell):
    for direction in ("forward", "both"):
        judge = networks_of(spec_of(), d_cell=cell, d_direction=direction)[0]["discriminator"]
        found = []
        for last in (3, 4):
            tokens = torch.tensor([[5, 6, 2, last, END]])
            seen = seen_mask(tokens, False)
            found.append(judge.judge(judge.embedding(tokens), seen, None)[0][0])
        assert torch.allclose(*(each[:3] for each in found), atol=1e-6) == (direction == "forward")
        assert not torch.allclose(*(each[3:] for each in found), atol=1e-4)


def test_items_and_ids_are_judged_alike_and_classes_matter(spec_of, networks_of):
    spec = spec_of(classes=("x", "y"), class_counts=(1, 1))
    networks, _ = networks_of(spec)
    labels = torch.arange(6) % 2
    items = networks["generator"](noise(6), labels)
    judge = networks["discriminator"]
    found = judge(items, labels)
    assert found.shape == (6,) and torch.equal(found, judge(items[..., 0].long(), labels))
    assert (found != judge(items, 1 - labels)).all()


def test_each_part_of_the_judgement_learns(spec_of, networks_of):
    for direction in ("forward", "both"):
        judge = networks_of(spec_of(), d_direction=direction)[0]["discriminator"]
        judge.requires_grad_(True)
        tokens = torch.randint(2, 8, (4, 12), generator=torch.Generator().manual_seed(0))
        each, whole = judge.judge(judge.embedding(tokens), seen_mask(tokens, False), None)
        (each.square().sum() + whole.square().sum()).backward()
        missing = [name for name, weight in judge.named_parameters() if weight.grad is None]
        assert missing == ["start.weight"]  # there are no classes


def test_the_discriminator_begins_from_the_generators_weights(spec_of, networks_of):
    from gancli.modalities.text.phases.discriminate import DiscriminatePhase

    for direction in ("forward", "both"):
        networks, config = networks_of(spec_of(), d_direction=direction)
        generator, judge = networks["generator"], networks["discriminator"]
        judged = judge(torch.tensor([[3, 4, END]])).item()
        for fresh in (False, True):
            phase = DiscriminatePhase(
                spec=SimpleNamespace(), config=config, share=1.0, name="refit", fresh=fresh
            )
            phase.begin(networks)
            same = judge(torch.tensor([[3, 4, END]])).item() == judged
            assert same != fresh
        assert torch.equal(judge.embedding.weight, generator.embedding.weight)
        assert torch.equal(judge.cell.stack.weight_hh_l0, generator.cell.stack.weight_hh_l0)


def test_real_texts_hold_nothing_that_no_drawn_one_can(spec_of):
    spec = spec_of(length=4, classes=("x", "y"), class_counts=(2, 2))
    batch = {
        "tokens": np.array([[2, 3, 4, 5, END], [2, UNKNOWN, END, END, END], [6, END, 0, 0, 0]]),
        "labels": np.array([0, 1, 1]),
    }
    tokens, labels = get("text").real(batch, spec)
    # The first fills its length, after which no text has an end; the second cannot be drawn.
    assert tokens.tolist() == [[2, 3, 4, 5], [6, END, 0, 0]] and labels.tolist() == [0, 1]
    only = {"tokens": batch["tokens"][1:2]}
    assert len(get("text").real(only, spec)[0]) == 1  # better than nothing


def test_the_discriminator_never_sees_an_unknown_token(spec_of, networks_of, monkeypatch):
    from gancli.modalities.text.phases import discriminate, phases

    spec = spec_of(length=4)
    networks, config = networks_of(spec, batch=4)
    for network in networks.values():
        network.train().requires_grad_(True)
    seen = []
    loss = discriminate.discriminator_loss
    monkeypatch.setattr(
        discriminate, "discriminator_loss",
        lambda judge, real, *rest: seen.append(real.tokens) or loss(judge, real, *rest),
    )
    phase = phases(spec, config)[-1]
    tokens = torch.tensor([[2, 3, 4, 5], [2, UNKNOWN, 3, END], [6, END, 0, 0], [3, 3, END, 0]])
    phase.step(
        networks, phase.optimizers(networks), lambda k: {"tokens": tokens},
        torch.Generator().manual_seed(0), 0, Compute(torch.device("cpu"), False),
    )
    assert len(seen) == 1 and len(seen[0]) == 3 and (seen[0] != UNKNOWN).all()
