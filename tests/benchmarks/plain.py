"""The training step of PyTorch's own DCGAN example, on networks of ours.

Source: https://github.com/pytorch/examples/blob/main/dcgan/main.py. Binary cross-entropy; the
discriminator learns from a pass over real pictures and one over generated ones, then the generator
from a third; Adam with its defaults but for rate and beta1. As there, losses are read each step.
Pictures are decoded and normalized beforehand, which the example does anew in each epoch.
"""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gancli.data.dataset import Dataset
from gancli.modalities.image.training import to_items


class PlainStep:
    """One step a call.

    Args:
        generator, discriminator: In training mode, on the device.
        dataset: The pictures.
        batch: Pictures in a step.
        latent: Numbers in z.
        device: Where to compute.
    """

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, dataset: Dataset, batch: int,
        latent: int, device: torch.device,
    ) -> None:
        # The example has torch's own memory layout.
        self.generator = generator.to(memory_format=torch.contiguous_format)
        self.discriminator = discriminator.to(memory_format=torch.contiguous_format)
        self.batch, self.latent, self.device = batch, latent, device
        items = to_items(torch.from_numpy(dataset.take(dataset.train[:]).arrays["pixels"]))
        tensors = [items.contiguous()]
        if dataset.labels is not None:
            tensors.append(torch.from_numpy(dataset.labels_of(dataset.train[:])))
        self._loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(*tensors), batch, shuffle=True, drop_last=True
        )
        self._batches = iter(self._loader)
        self.d_optimizer, self.g_optimizer = (
            torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
            for network in (self.discriminator, self.generator)
        )
        self.losses = (0.0, 0.0)

    def __call__(self) -> None:
        real, labels = self._next()
        ones = torch.ones(self.batch, device=self.device)
        self.discriminator.zero_grad()
        d_real = self._loss(real, labels, ones)
        d_real.backward()
        z = torch.randn(self.batch, self.latent, device=self.device)
        fake = self.generator(z, labels)
        d_fake = self._loss(fake.detach(), labels, 0 * ones)
        d_fake.backward()
        self.d_optimizer.step()
        self.generator.zero_grad()
        g_loss = self._loss(fake, labels, ones)
        g_loss.backward()
        self.g_optimizer.step()
        self.losses = (d_real + d_fake).item(), g_loss.item()

    def _loss(
        self, items: torch.Tensor, labels: torch.Tensor | None, target: torch.Tensor
    ) -> torch.Tensor:
        return binary_cross_entropy_with_logits(self.discriminator(items, labels).logits, target)

    def _next(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        batch = next(self._batches, None)
        if batch is None:
            self._batches = iter(self._loader)
            batch = next(self._batches)
        real, *labels = (each.to(self.device) for each in batch)
        return real, labels[0] if labels else None
