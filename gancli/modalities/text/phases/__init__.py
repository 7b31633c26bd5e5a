"""The parts of training on text."""

from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.phases.discriminate import DiscriminatePhase
from gancli.modalities.text.phases.gumbel import GumbelPhase
from gancli.modalities.text.phases.likelihood import LikelihoodPhase
from gancli.modalities.text.phases.reinforce import ReinforcePhase
from gancli.modalities.text.spec import TextSpec
from gancli.phases.base import Phase


def phases(spec: TextSpec, config: TextConfig) -> list[Phase]:
    """Return likelihood and discriminator, with adversarial fine-tuning in between if asked."""
    fine = config.fine_tuned
    rest = max(1.0 - config.warm_start - fine, 0.02)
    total = config.warm_start + fine + rest
    found: list[Phase] = [
        LikelihoodPhase(spec=spec, config=config, share=config.warm_start / total)
    ]
    half = rest / total
    if fine:
        half /= 2
        found.append(
            DiscriminatePhase(
                spec=spec, config=config, share=half, name="discriminator", fresh=True
            )
        )
        kind = ReinforcePhase if config.estimator == "score" else GumbelPhase
        found.append(kind(spec=spec, config=config, share=fine / total))
    found.append(
        DiscriminatePhase(
            spec=spec, config=config, share=half, name="refit", fresh=not fine
        )
    )
    return found
