"""Text: a recurrent generator that learns by likelihood first, then from a discriminator."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gancli.modalities.text.config import PRESETS, TextConfig, TextSampleConfig

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from gancli.data.dataset import Dataset
    from gancli.data.source import Source
    from gancli.modalities.base import Items, Scorer, Stdout
    from gancli.modalities.text.spec import TextSpec
    from gancli.phases.base import Phase
    from gancli.reporting import Reporter


class TextModality:
    """The contract of :class:`gancli.modalities.base.Modality`, for text.

    Everything is imported where it is used, since the command line reads this module for
    ``--help``.
    """

    name = "text"
    config_type = TextConfig
    sample_config_type = TextSampleConfig
    presets = PRESETS
    binary = False
    tile = 32

    def inspect(self, source: "Source", config: TextConfig) -> "tuple[TextSpec, list[str]]":
        from gancli.modalities.text.inspect import inspect

        return inspect(source, config)

    def spec_from_table(self, table: Mapping[str, Any]) -> "TextSpec":
        from gancli.modalities.text.spec import TextSpec

        return TextSpec.from_table(table)

    def load(
        self, source: "Source", spec: "TextSpec", config: TextConfig, reporter: "Reporter"
    ) -> "Dataset":
        from gancli.modalities.text.dataset import load

        return load(source, spec, config, reporter)

    def build(self, spec: "TextSpec", config: TextConfig) -> "dict[str, nn.Module]":
        from gancli.modalities.text.networks import build

        return build(spec, config)

    def start(
        self, spec: "TextSpec", config: TextConfig, dataset: "Dataset"
    ) -> "dict[str, nn.Module]":
        from gancli.modalities.text.networks import Generator, build

        networks = build(spec, config)
        if config.fine_tuned > 0 and config.estimator == "score":
            # The generator as its likelihood start left it, which it must not stray from.
            networks["reference"] = Generator(spec, config)
        return networks

    def real(
        self, batch: "dict[str, np.ndarray]", spec: "TextSpec"
    ) -> "tuple[torch.Tensor, torch.Tensor | None]":
        import torch

        from gancli.modalities.text.phases.texts import possible, real_texts

        texts = possible(
            real_texts({name: torch.from_numpy(each) for name, each in batch.items()}, spec)
        )
        return texts.tokens, texts.labels

    def phases(self, spec: "TextSpec", config: TextConfig, dataset: "Dataset") -> "list[Phase]":
        from gancli.modalities.text.phases import phases

        return phases(spec, config)

    def scorer(self, dataset: "Dataset", spec: "TextSpec", seed: int) -> "Scorer":
        from gancli.modalities.text.score import TextScorer

        return TextScorer(dataset, spec, seed)  # type: ignore[arg-type]

    def generator_inputs(
        self, keys: list[Any], spec: "TextSpec", config: TextConfig, options: TextSampleConfig
    ) -> "dict[str, np.ndarray]":
        from gancli.modalities.text.inputs import generator_inputs

        return generator_inputs(keys, spec, config, options)

    def preview(self, items: "np.ndarray", spec: "TextSpec", path: Path) -> None:
        from gancli.modalities.text.codec import preview
        from gancli.modalities.text.generated import Sample

        decode = spec.tokenizer().decode
        preview([Sample.from_item(item, decode).text for item in items], path)

    def write(
        self,
        items: "Items",
        seeds: list[int],
        spec: "TextSpec",
        options: TextSampleConfig,
        reporter: "Reporter",
        stdout: "Stdout",
    ) -> list[Path]:
        from gancli.modalities.text.codec import write
        from gancli.modalities.text.generated import samples_of

        return write(
            samples_of(items, spec.tokenizer().decode), seeds, spec, options, reporter, stdout
        )


MODALITY = TextModality()
