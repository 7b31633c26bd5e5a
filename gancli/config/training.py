"""Options that the trainings of all modalities share."""

from dataclasses import dataclass

from gancli.config.option import option


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options that the trainings of all modalities share."""

    # Ten minutes is what people wait for; the schedule ends with it, so a short run is complete.
    time: float | None = option(
        None, "Budget in time, e.g. 90s, 10m, 2h. The default budget is 10m.", "Budget",
        parse="duration", metavar="DURATION",
    )
    steps: int | None = option(
        None, "Budget in steps (iterations); with --threads it makes a run reproducible to the "
        "bit.", "Budget", minimum=1, maximum=10**9,
    )
    images: int | None = option(
        None, "Budget in items seen, repeats included: epochs times the items of the data.",
        "Budget", minimum=1, maximum=10**12,
    )
    seed: int = option(
        0, "Seed of all randomness in training.", "Training", minimum=0, maximum=2**63 - 1
    )
    threads: str = option(
        "auto", "CPU threads to compute with: a number, or auto to measure which count is fastest.",
        "Training", metavar="N|auto",
    )
    device: str = option(
        "auto", "Where to compute; auto uses a GPU if there is one.", "Training",
        choices=("auto", "cpu", "cuda", "mps"),
    )
    precision: str = option(
        "auto", "Precision of the networks; auto takes bf16 (mixed precision) where it is faster, "
        "and times both where only that tells (not for a budget in steps or images).", "Training",
        choices=("auto", "fp32", "bf16"),
    )
    save_every: str = option(
        "60s", "Time (60s) or steps (500) between checkpoints.", "Training",
        parse="interval", metavar="60s|N",
    )
    tensorboard: bool = option(
        False, "Also write events for TensorBoard; needs gancli[tensorboard].", "Training"
    )
    holdout: float = option(
        0.1, "Validation: fraction of the data held out for measuring, at most 10,000 items.",
        "Data", minimum=0.0, maximum=0.5,
    )
    strict: bool = option(False, "Stop at the first file that cannot be read.", "Data")
