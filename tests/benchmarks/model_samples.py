"""Samples of a model, as the benchmarks take them: by the library's own sampler."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gancli.artifacts.engine import open_engine
from gancli.artifacts.model import AnyModel
from gancli.sampling.request import Sample, SampleRequest
from gancli.sampling.sampler import generate


def samples_of(model: AnyModel, seeds: Sequence[int], **options) -> Iterator[Sample]:
    """Yield the samples of seeds; options are those of ``gancli sample``."""
    modality = model.modality
    codec = modality.codec()(model.spec, model.config)
    chosen = replace(modality.options_type(), **options)
    requests = [SampleRequest(seed) for seed in seeds]
    with open_engine(model, chosen) as engine:
        yield from generate(engine, codec, requests, chosen, model.calibration)
