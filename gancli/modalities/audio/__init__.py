"""Sounds: a recurrent generator of log-mel frames."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gancli.modalities.audio.config import PRESETS, AudioConfig, AudioSampleConfig

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from gancli.data.dataset import Dataset
    from gancli.data.source import Source
    from gancli.modalities.audio.spec import AudioSpec
    from gancli.modalities.base import Items, Scorer, Stdout
    from gancli.phases.base import Phase
    from gancli.reporting import Reporter


class AudioModality:
    """The contract of :class:`gancli.modalities.base.Modality`, for sounds.

    Everything is imported where it is used, since the command line reads this module for
    ``--help``.
    """

    name = "audio"
    config_type = AudioConfig
    sample_config_type = AudioSampleConfig
    presets = PRESETS
    binary = True
    tile = 16

    def inspect(self, source: "Source", config: AudioConfig) -> "tuple[AudioSpec, list[str]]":
        from gancli.modalities.audio.inspect import inspect

        return inspect(source, config)

    def spec_from_table(self, table: Mapping[str, Any]) -> "AudioSpec":
        from gancli.modalities.audio.spec import AudioSpec

        return AudioSpec.from_table(table)

    def load(
        self, source: "Source", spec: "AudioSpec", config: AudioConfig, reporter: "Reporter"
    ) -> "Dataset":
        from gancli.modalities.audio.dataset import load

        return load(source, spec, config, reporter)

    def build(self, spec: "AudioSpec", config: AudioConfig) -> "dict[str, nn.Module]":
        from gancli.modalities.audio.networks import build

        return build(spec, config)

    def start(
        self, spec: "AudioSpec", config: AudioConfig, dataset: "Dataset"
    ) -> "dict[str, nn.Module]":
        from gancli.modalities.audio.start import start

        return start(spec, config, dataset)

    def real(
        self, batch: "dict[str, np.ndarray]", spec: "AudioSpec"
    ) -> "tuple[torch.Tensor, torch.Tensor | None]":
        import torch

        from gancli.modalities.audio.mel import to_items

        labels = torch.from_numpy(batch["labels"]) if "labels" in batch else None
        samples, lengths = (torch.from_numpy(batch[name]) for name in ("samples", "lengths"))
        return to_items(samples, lengths, spec), labels

    def phases(
        self, spec: "AudioSpec", config: AudioConfig, dataset: "Dataset"
    ) -> "list[Phase]":
        from gancli.modalities.audio.training import phases

        return phases(spec, config)

    def scorer(self, dataset: "Dataset", spec: "AudioSpec", seed: int) -> "Scorer":
        from gancli.modalities.audio.score import AudioScorer

        return AudioScorer(dataset, spec, seed)

    def generator_inputs(
        self, keys: list[Any], spec: "AudioSpec", config: AudioConfig, options: AudioSampleConfig
    ) -> "dict[str, np.ndarray]":
        from gancli.modalities.audio.inputs import generator_inputs
        from gancli.sampling.interpolation import Between, interpolated_inputs

        if isinstance(keys[0], Between):
            return interpolated_inputs(
                keys, lambda seeds: generator_inputs(seeds, spec, config, options)
            )
        return generator_inputs(keys, spec, config, options)

    def preview(self, items: "np.ndarray", spec: "AudioSpec", path: Path) -> None:
        from gancli.modalities.audio.codec import preview

        preview(items, spec, path)

    def write(
        self,
        items: "Items",
        seeds: list[int],
        spec: "AudioSpec",
        options: AudioSampleConfig,
        reporter: "Reporter",
        stdout: "Stdout",
    ) -> list[Path]:
        from gancli.modalities.audio.codec import write

        return write(items, seeds, spec, options, reporter, stdout)


MODALITY = AudioModality()
