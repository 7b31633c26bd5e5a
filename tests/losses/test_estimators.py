"""Gradients through discrete draws: the score function and Gumbel-softmax."""

import pytest
import torch
from helpers import whole

from gancli.losses.gumbel_softmax import straight_through
from gancli.losses.reinforce import advantages, rewards_to_go

# Rewards to go


def test_rewards_to_go_by_hand():
    rewards = torch.tensor([[1.0, 2.0, 4.0], [0.0, -1.0, 0.0]])
    assert rewards_to_go(rewards, 0.5).tolist() == [[3.0, 4.0, 4.0], [-0.5, -1.0, 0.0]]
    assert rewards_to_go(rewards, 1.0)[0].tolist() == [7.0, 6.0, 4.0]
    assert torch.equal(rewards_to_go(rewards, 0.0), rewards)


# Advantages


def test_advantages_by_hand():
    gains = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])
    seen = torch.tensor([[True, True], [True, False], [True, False]])
    # Over the others: 1 - 4, 3 - 3, 5 - 2; at the second step one runs alone. Four steps are seen.
    expected = torch.tensor([[-3.0, 0.0], [0.0, 0.0], [3.0, 0.0]]) / (18 / 4) ** 0.5
    assert torch.allclose(advantages(gains, seen, 10.0), expected)
    assert advantages(gains, seen, 1.0).tolist() == [[-1, 0], [0, 0], [1, 0]]


def test_the_baseline_is_of_the_others_alone():
    random = torch.Generator().manual_seed(0)
    gains = torch.randn(6, 5, generator=random)
    seen = torch.arange(5) < torch.tensor([5, 4, 4, 2, 1, 5])[:, None]
    wanted = torch.zeros_like(gains)
    for row in range(6):
        for step in range(5):
            others = [gains[k, step] for k in range(6) if k != row and seen[k, step]]
            if seen[row, step] and others:
                wanted[row, step] = gains[row, step] - sum(others) / len(others)
    found = advantages(gains, seen, 1e9)
    assert torch.allclose(found * (wanted.norm() / found.norm()), wanted, atol=1e-5)
    assert found[~seen].eq(0).all()
    # In units of their deviation.
    assert found[seen].square().mean().item() == pytest.approx(1.0, abs=1e-5)


def test_what_is_not_seen_does_not_count():
    gains = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    seen = torch.arange(3) < torch.tensor([3, 2, 2, 1])[:, None]
    other = torch.where(seen, gains, torch.full_like(gains, 1e3))
    assert torch.equal(advantages(gains, seen, 9.0), advantages(other, seen, 9.0))


@pytest.mark.parametrize("rows", [1, 3])
def test_like_gains_and_an_item_alone_teach_nothing(rows):
    found = advantages(torch.full((rows, 2), 3.0), torch.ones(rows, 2, dtype=torch.bool), 2.0)
    assert found.eq(0).all()


# The score function against the exact gradient, where all texts can be counted: a first token of
# three, of which 0 is the end, and a second one that depends on it.

FIRST = torch.tensor([0.1, 0.5, -0.4], dtype=torch.float64)
SECOND = torch.tensor(
    [[0.0, 0.0, 0.0], [0.3, -0.6, 0.2], [-0.2, 0.4, 0.9]], dtype=torch.float64
)
REWARD = torch.tensor([0.2, -0.3, 1.0], dtype=torch.float64)  # of the first token
AFTER = torch.tensor(
    [[0.0, 0.0, 0.0], [0.5, -1.0, 2.0], [1.5, 0.0, -0.5]], dtype=torch.float64
)


def exact():
    """Return the gradients of the expected sum of rewards, and the deviation of the gains."""
    first, second = FIRST.clone().requires_grad_(), SECOND.clone().requires_grad_()
    p, q = first.softmax(0), second.softmax(1)
    goes_on = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
    total = p @ REWARD + (p * goes_on) @ (q * AFTER).sum(1)
    gradients = torch.autograd.grad(total, [first, second])
    with torch.no_grad():
        joint = (p[:, None] * q)
        gain = REWARD[:, None] + goes_on[:, None] * AFTER
        both = joint * goes_on[:, None]
        spread = (joint * (gain - (joint * gain).sum()) ** 2).sum()
        alive = both.sum()
        spread = spread + (both * (AFTER - (both * AFTER).sum() / alive) ** 2).sum()
        scale = (spread / (1 + alive)).sqrt()
    return gradients, scale


def test_the_score_function_finds_the_exact_gradient():
    random = torch.Generator().manual_seed(0)
    count = 200_000
    first, second = FIRST.clone().requires_grad_(), SECOND.clone().requires_grad_()
    log_p, log_q = first.log_softmax(0), second.log_softmax(1)
    with torch.no_grad():
        a = torch.multinomial(log_p.exp(), count, True, generator=random)
        b = torch.multinomial(log_q.exp()[a], 1, generator=random)[:, 0]
    seen = torch.stack([torch.ones_like(a, dtype=torch.bool), a != 0], 1)
    rewards = torch.stack([REWARD[a], AFTER[a, b]], 1) * seen
    gain = advantages(rewards_to_go(rewards, 1.0), seen, 1e9)
    chosen = torch.stack([log_p[a], log_q[a, b]], 1)
    ((gain * chosen * seen).sum() / count).backward()
    wanted, scale = exact()
    for found, gradient in zip((first.grad, second.grad), wanted, strict=True):
        assert gradient.abs().max() > 0.1
        assert torch.allclose(found * scale, gradient, atol=0.01)


def test_a_few_draws_are_enough_on_average():
    # With batches of four, and by the score function of one step, whose mean can be counted: the
    # baseline must not take away from the gradient (with the item in it, a quarter would go).
    p = FIRST.softmax(0)
    seen = torch.ones(4, 1, dtype=torch.bool)
    total = torch.zeros(3, dtype=torch.float64)
    for code in range(81):
        drawn = torch.tensor([code // 3**k % 3 for k in range(4)])
        gains = REWARD[drawn][:, None]
        found = advantages(gains, seen, 1e9)
        baseline = (gains.sum() - gains) / 3
        scale = (gains - baseline).square().mean().sqrt()
        slopes = torch.nn.functional.one_hot(drawn, 3) - p
        total += p[drawn].prod() * (found * scale * slopes).mean(0)
    gradient = p * (REWARD - p @ REWARD)
    assert torch.allclose(total, gradient, atol=1e-9)


# Gumbel-softmax


def test_draws_are_one_hot_and_follow_the_distribution():
    logits = torch.tensor([0.0, 1.0, -1.0, -torch.inf]).expand(40_000, 4)
    for temperature in (0.1, 1.0, 5.0):
        drawn = straight_through(logits, temperature, whole(40_000))
        assert torch.allclose(drawn.sort(1).values, torch.tensor([0.0, 0, 0, 1]), atol=1e-6)
        share = drawn.mean(0)
        assert (share - logits[0].softmax(0)).abs().max() < 0.01
        assert drawn[:, 3].eq(0).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_the_slope_is_that_of_the_softened_draw(temperature):
    start = torch.tensor([[0.3, -0.2, 0.9], [1.0, 0.0, -2.0]])
    weights = torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.0, 1.0]])
    logits = start.clone().requires_grad_()
    drawn = straight_through(logits, temperature, whole(2, 3))
    (drawn * weights).sum().backward()
    # The same noise again, by its definition.
    uniform = torch.rand(start.shape, generator=torch.Generator().manual_seed(3))
    plain = start.clone().requires_grad_()
    soft = ((plain - (-uniform.log()).log()) / temperature).softmax(1)
    (soft * weights).sum().backward()
    assert plain.grad.abs().min() > 1e-4
    assert torch.allclose(logits.grad, plain.grad, atol=1e-5)


def test_what_cannot_be_has_no_slope_and_spoils_none():
    logits = torch.tensor([[0.3, -torch.inf, 0.9]], requires_grad=True)
    drawn = straight_through(logits, 0.5, whole(1))
    (drawn * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert logits.grad.isfinite().all() and logits.grad[0, 1] == 0
    assert logits.grad[0, 0] != 0
