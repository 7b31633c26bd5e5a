"""Training on text: likelihood first, then the discriminator, and what they learn together."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from gancli.data.dataset import Dataset, Items
from gancli.modalities.base import Trainable
from gancli.modalities.text.autoregression import draw_texts
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.dataset import TextDataset
from gancli.modalities.text.export import graph
from gancli.modalities.text.figures import text_figures
from gancli.modalities.text.networks import Generator, build
from gancli.modalities.text.phases.discriminate import DiscriminatePhase
from gancli.modalities.text.phases.gumbel import GumbelPhase
from gancli.modalities.text.phases.likelihood import LikelihoodPhase
from gancli.modalities.text.phases.reinforce import ReinforcePhase
from gancli.modalities.text.phases.texts import real_texts
from gancli.modalities.text.score import TextScorer
from gancli.modalities.text.spec import TextSpec
from gancli.phases.base import Batch, Networks, Phase


def start(spec: TextSpec, config: TextConfig, dataset: Dataset) -> Networks:
    """Return generator, discriminator and what the generator must not stray from."""
    networks = build(spec, config)
    if config.fine_tuned > 0 and config.estimator == "score":
        # The generator as its likelihood start left it.
        return replace(networks, extra={"reference": Generator(spec, config)})
    return networks


def phases(spec: TextSpec, config: TextConfig, dataset: Dataset) -> list[Phase]:
    """Return likelihood and discriminator, with adversarial fine-tuning in between if asked."""
    fine_tuned = config.fine_tuned
    rest = max(1.0 - config.warm_start - fine_tuned, 0.02)
    total = config.warm_start + fine_tuned + rest
    likelihood = LikelihoodPhase(spec=spec, config=config, fraction=config.warm_start / total)
    if not fine_tuned:
        return [likelihood, _refit(spec, config, rest / total, from_generator=True)]
    adversarial = ReinforcePhase if config.estimator == "score" else GumbelPhase
    half = rest / total / 2
    return [
        likelihood,
        # Its logits of tokens are the rewards of the next phase.
        DiscriminatePhase(
            spec=spec, config=config, fraction=half, name="discriminator", from_generator=True,
            text_weight=0.5,
        ),
        adversarial(spec=spec, config=config, fraction=fine_tuned / total),
        _refit(spec, config, half, from_generator=False),
    ]


def _refit(
    spec: TextSpec, config: TextConfig, fraction: float, from_generator: bool
) -> DiscriminatePhase:
    """Return the last phase, whose logits of whole texts guide sampling."""
    return DiscriminatePhase(
        spec=spec, config=config, fraction=fraction, name="refit", from_generator=from_generator,
        text_weight=0.9,
    )


def real(items: Items, spec: TextSpec) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return texts as the generator draws them, with no likelihoods, and their labels."""
    texts = real_texts(Batch.of(items), spec)
    ids = texts.tokens.float()
    return torch.stack([ids, torch.zeros_like(ids)], 2), texts.labels


def generate(generator: nn.Module, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Draw texts; see :func:`draw_texts`."""
    assert isinstance(generator, Generator)
    return draw_texts(generator, **inputs)


def scorer(
    dataset: Dataset, spec: TextSpec, config: TextConfig, seed: int
) -> TextScorer:
    """Return the monitor's measure for a corpus."""
    assert isinstance(dataset, TextDataset)
    return TextScorer(dataset, spec, seed)


TRAINABLE = Trainable(
    build, start, generate, real, phases, scorer, graph=graph, figures=text_figures
)
