"""The discriminator alone, against a generator that stands still."""

from dataclasses import dataclass

from torch.optim import Optimizer

from gancli.modalities.text.phases.base import TextPhase, adam, text_networks
from gancli.modalities.text.phases.texts import (
    discriminator_loss,
    drawn_texts,
    real_texts,
    without_unknown,
)
from gancli.phases.base import Losses, Networks, StepContext, update
from gancli.phases.schedule import cosine


@dataclass(frozen=True, kw_only=True)
class DiscriminatePhase(TextPhase):
    """Real texts against drawn ones.

    Args:
        from_generator: Whether to begin from the generator's weights, which already know the
            language.
        text_weight: Weight of the logits of whole texts in the loss; those of tokens have the
            rest.
    """

    from_generator: bool
    text_weight: float
    trains_generator: bool = False

    def begin(self, networks: Networks) -> None:
        if not self.from_generator:
            return
        weights = networks.generator.state_dict()
        for name, tensor in networks.discriminator.state_dict().items():
            if name.startswith(("embedding.", "cell.", "start.")) and (
                name in weights and weights[name].shape == tensor.shape
            ):
                tensor.copy_(weights[name])

    def optimizers(self, networks: Networks) -> dict[str, Optimizer]:
        return {"discriminator": adam(networks.discriminator, self.config.d_lr)}

    def lr_factor(self, progress: float) -> float:
        return min(1.0, 20 * progress + 0.01) * (0.02 + 0.98 * cosine(progress))

    def step(self, context: StepContext) -> Losses:
        generator, discriminator = text_networks(context.networks)
        real = without_unknown(real_texts(context.batch(0), self.spec))
        shard = context.shard(len(real))
        real = real[shard.rows]
        fake = drawn_texts(generator, real.labels, self.spec, shard)
        with context.precision.autocast():
            loss, accuracy = discriminator_loss(
                discriminator, real, fake, shard, self.text_weight, self.spec.length
            )
        d_loss = update(context.optimizers["discriminator"], loss, self.config.clip)
        return {"d_loss": d_loss, "accuracy": accuracy}
