"""Requests to samples: the one way in which anything is sampled."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gancli.errors import GancliError
from gancli.reporting import SILENT, Reporter
from gancli.sampling.codec import Codec, OptionsT_contra
from gancli.sampling.engines import Engine
from gancli.sampling.guidance import Calibration, effective_sample_size, pick_candidate
from gancli.sampling.request import Sample, SampleRequest


def generate(
    engine: Engine,
    codec: Codec[OptionsT_contra],
    requests: Sequence[SampleRequest],
    options: OptionsT_contra,
    calibration: Calibration | None = None,
    reporter: Reporter = SILENT,
) -> Iterator[Sample]:
    """Return an iterator over the samples of requests, in order; few are in memory at a time.

    Args:
        engine: Runs the networks.
        codec: Makes the generator's inputs.
        requests: What to make.
        options: How; ``batch`` samples are computed at a time, candidates included.
        calibration: Turns logits into odds; without it samples have none.
        reporter: Receives progress, and how much choice guidance had.

    Raises:
        GancliError: Guidance is asked for without a calibration.
    """
    if options.guided > 1 and calibration is None:
        raise GancliError(
            "This model's discriminator was never calibrated, so it cannot guide.",
            "Leave --guided out; that of a run in training is calibrated at its end.",
        )
    scored = calibration if options.scored else None
    return _generate(engine, codec, requests, options, scored, reporter)


def _generate(
    engine: Engine, codec: Codec[OptionsT_contra], requests: Sequence[SampleRequest],
    options: OptionsT_contra, scored: Calibration | None, reporter: Reporter,
) -> Iterator[Sample]:
    candidates = options.guided
    batch = max(options.batch // candidates, 1)
    effective = 0.0  # candidates that counted, of all samples so far
    for start in range(0, len(requests), batch):
        chunk = requests[start : start + batch]
        tries = [
            replace(request, candidate=candidate) if candidate else request
            for request in chunk for candidate in range(candidates)
        ]
        inputs = codec.inputs(tries, options)
        items, labels = engine.generate(inputs), inputs.labels
        log_odds = None
        if scored is not None:
            logits = engine.discriminate(items, labels, candidates)
            log_odds = scored.log_odds(logits).reshape(len(chunk), candidates)
            effective += float(effective_sample_size(log_odds).sum())
        for row, request in enumerate(chunk):
            choice = 0
            if candidates > 1 and log_odds is not None:
                choice = pick_candidate(request.seed, log_odds[row])
            place = row * candidates + choice
            yield Sample(
                tries[place],
                items[place],
                None if labels is None else int(labels[place]),
                None if log_odds is None else float(log_odds[row, choice]),
            )
        reporter.progress("Sampling", start + len(chunk), len(requests))
    if candidates > 1:
        mean = effective / len(requests)
        reporter.note(f"Guided: of {candidates} candidates {mean:.1f} counted on average.")
