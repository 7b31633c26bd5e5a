"""Texts, token by token: the one loop that unrolls a generator."""

from collections.abc import Callable

import torch

from gancli.modalities.text.draw import Filters, draw, drop_unlikely
from gancli.modalities.text.networks import Generator, token_mask
from gancli.modalities.text.tokens import END

# Given the number of a step and its logits (n, size): the tokens (n,) and their embeddings
# (n, embedding), which the next step reads.
Choose = Callable[[int, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def unroll(
    generator: Generator, count: int, steps: int, labels: torch.Tensor | None, choose: Choose
) -> None:
    """Ask for a token of each text at each step, until all have ended.

    Args:
        generator: Gives the logits.
        count: Number of texts.
        steps: Limit on their tokens.
        labels: Classes, shape (count,), or None.
        choose: Chooses the tokens, also of texts that have ended while others go on.
    """
    first = generator.first(count, labels)
    condition = first if labels is not None else torch.zeros_like(first)
    inputs, state = first + condition, None
    running = torch.ones(count, dtype=torch.bool, device=first.device)
    for step in range(steps):
        logits, state = generator.step(inputs, state)
        tokens, embedded = choose(step, logits)
        if not generator.stream:
            running = running & (tokens != END)
            if not running.any():
                break
        inputs = embedded[:, None] + condition


def draw_texts(
    generator: Generator,
    noise: torch.Tensor,
    labels: torch.Tensor | None = None,
    prompt: torch.Tensor | None = None,
    begins: torch.Tensor | None = None,
    temperature: torch.Tensor | None = None,
    top_k: torch.Tensor | None = None,
    top_p: torch.Tensor | None = None,
) -> torch.Tensor:
    """Draw texts.

    Args:
        generator: Gives each token's distribution after those before it.
        noise: A number in [0, 1) for each token, shape (n, steps).
        labels: Classes, shape (n,), or None.
        prompt: Ids that each text begins with, shape (n, length).
        begins: Which ids the first token after the prompt may have, bool, shape (n, size).
        temperature, top_k, top_p: Filters of the distribution, each shape (n,), or None.

    Returns:
        Ids and their log-probabilities as learned, before any filter, shape (n, steps, 2); zeros
        after the end.
    """
    filters = Filters(temperature, top_k, top_p)
    count, steps = noise.shape
    prompt_length = 0 if prompt is None else prompt.shape[1]
    ids = torch.zeros(count, steps, dtype=torch.long, device=noise.device)
    log_probabilities = torch.zeros(count, steps, device=noise.device)

    def choose(step: int, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        learned = logits.log_softmax(1)
        if prompt is not None and step < prompt_length:
            tokens = prompt[:, step]
        else:
            if begins is not None and step == prompt_length:
                logits = logits.masked_fill(~begins, -torch.inf)
            tokens = draw(drop_unlikely(logits, filters), noise[:, step])
        ids[:, step] = tokens
        log_probabilities[:, step] = learned.gather(1, tokens[:, None])[:, 0]
        return tokens, generator.embedding(tokens)

    unroll(generator, count, steps, labels, choose)
    mask = token_mask(ids, generator.stream)
    # Not a product, which would give -0.0.
    return torch.stack([(ids * mask).float(), torch.where(mask, log_probabilities, 0.0)], 2)
