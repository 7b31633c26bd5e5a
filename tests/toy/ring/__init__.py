"""A toy modality in three short files, points on a ring: nothing else needs a change."""

import json

import numpy as np

from ring.config import RingConfig, RingSampleConfig, RingSpec


class Ring:
    name = "ring"
    config_type = RingConfig
    sample_config_type = RingSampleConfig
    presets = {"plain": {}}
    binary = True
    tile = 16

    def inspect(self, source, config):
        return RingSpec(points=512), ["Points: 512, since a ring has no end."]

    def spec_from_table(self, table):
        return RingSpec(**table)

    def load(self, source, spec, config, reporter):
        from gancli.data.dataset import Dataset

        angle = np.linspace(0, 2 * np.pi, spec.points, endpoint=False)
        points = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
        everything = np.arange(spec.points)
        return Dataset({"points": points}, None, everything, everything, "ring")

    def build(self, spec, config):
        from ring.networks import build

        return build(config)

    def start(self, spec, config, dataset):
        return self.build(spec, config)

    def real(self, batch, spec):
        import torch

        return torch.from_numpy(batch["points"]), None

    def phases(self, spec, config, dataset):
        from ring.networks import phases

        return phases(config)

    def scorer(self, dataset, spec, seed):
        from ring.networks import RingScorer

        return RingScorer()

    def generator_inputs(self, seeds, spec, config, options):
        from gancli.sampling.seeds import normal

        return {"z": np.stack([normal(seed, 4) for seed in seeds])}

    def preview(self, items, spec, path):
        path.with_suffix(".json").write_text(json.dumps(items.tolist()))

    def write(self, items, seeds, spec, options, reporter, stdout):
        stdout().write(json.dumps([item.tolist() for _, item, _ in items(seeds)]).encode())
        return []


MODALITY = Ring()
