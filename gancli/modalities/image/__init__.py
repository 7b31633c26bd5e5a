"""Images: a DCGAN."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gancli.modalities.image.config import PRESETS, ImageConfig, ImageSampleConfig

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from gancli.data.dataset import Dataset
    from gancli.data.source import Source
    from gancli.modalities.base import Items, Scorer, Stdout
    from gancli.modalities.image.spec import ImageSpec
    from gancli.phases.base import Phase
    from gancli.reporting import Reporter


class ImageModality:
    """The contract of :class:`gancli.modalities.base.Modality`, for images.

    Everything is imported where it is used, since the command line reads this module for
    ``--help``.
    """

    name = "image"
    config_type = ImageConfig
    sample_config_type = ImageSampleConfig
    presets = PRESETS
    binary = True
    tile = 16  # as fast as 32 and better than 8; a single picture costs as much as a tile

    def inspect(self, source: "Source", config: ImageConfig) -> "tuple[ImageSpec, list[str]]":
        from gancli.modalities.image.inspect import inspect

        return inspect(source, config)

    def spec_from_table(self, table: Mapping[str, Any]) -> "ImageSpec":
        from gancli.modalities.image.spec import ImageSpec

        return ImageSpec.from_table(table)

    def load(
        self, source: "Source", spec: "ImageSpec", config: ImageConfig, reporter: "Reporter"
    ) -> "Dataset":
        from gancli.modalities.image.dataset import load

        return load(source, spec, config, reporter)

    def build(self, spec: "ImageSpec", config: ImageConfig) -> "dict[str, nn.Module]":
        from gancli.modalities.image.networks import build

        return build(spec, config)

    def start(
        self, spec: "ImageSpec", config: ImageConfig, dataset: "Dataset"
    ) -> "dict[str, nn.Module]":
        return self.build(spec, config)

    def real(
        self, batch: "dict[str, np.ndarray]", spec: "ImageSpec"
    ) -> "tuple[torch.Tensor, torch.Tensor | None]":
        import torch

        from gancli.modalities.image.training import to_items

        labels = torch.from_numpy(batch["labels"]) if "labels" in batch else None
        return to_items(torch.from_numpy(batch["pixels"])), labels

    def phases(
        self, spec: "ImageSpec", config: ImageConfig, dataset: "Dataset"
    ) -> "list[Phase]":
        from gancli.modalities.image.training import phases

        return phases(spec, config, len(dataset.train))

    def scorer(self, dataset: "Dataset", spec: "ImageSpec", seed: int) -> "Scorer":
        from gancli.modalities.image.score import ImageScorer

        pixels = dataset.arrays["pixels"]
        return ImageScorer(pixels[dataset.train], pixels[dataset.held_out], seed)

    def generator_inputs(
        self, keys: list[Any], spec: "ImageSpec", config: ImageConfig, options: ImageSampleConfig
    ) -> "dict[str, np.ndarray]":
        from gancli.modalities.image.inputs import generator_inputs
        from gancli.sampling.interpolation import Between, interpolated_inputs

        if isinstance(keys[0], Between):
            return interpolated_inputs(
                keys, lambda seeds: generator_inputs(seeds, spec, config, options)
            )
        return generator_inputs(keys, spec, config, options)

    def preview(self, items: "np.ndarray", spec: "ImageSpec", path: Path) -> None:
        from gancli.modalities.image.codec import preview

        preview(items, path)

    def write(
        self,
        items: "Items",
        seeds: list[int],
        spec: "ImageSpec",
        options: ImageSampleConfig,
        reporter: "Reporter",
        stdout: "Stdout",
    ) -> list[Path]:
        from gancli.modalities.image.codec import write

        return write(items, seeds, options, reporter, stdout)


MODALITY = ImageModality()
