"""Options of sampling text."""

from dataclasses import dataclass

from gancli.config import option
from gancli.sampling.config import SampleConfig


@dataclass(frozen=True, kw_only=True)
class TextSampleConfig(SampleConfig):
    """Options of ``gancli sample text``."""

    temperature: float = option(
        1.0, "Below 1 likelier tokens win more often, above 1 less; 1 draws as the model learned.",
        "Samples", minimum=0.01, maximum=100.0,
    )
    top_k: int | None = option(
        None, "Draw each token from this many likeliest alone.", "Samples", minimum=1,
        maximum=10_000_000,
    )
    top_p: float | None = option(
        None, "Draw each token from the likeliest that have this probability together.", "Samples",
        minimum=0.01, maximum=1.0,
    )
    prompt: str | None = option(
        None, "How each sample begins; the model goes on from there.", "Samples", metavar="TEXT"
    )
    max_length: int | None = option(
        None, "End each sample after this many tokens at the latest; as in training if left out.",
        "Samples", minimum=1, maximum=1_000_000,
    )
    jsonl: bool = option(
        False, "Write an object a line: seed, text, class, tokens, log_likelihood, score.",
        "Output",
    )
    null: bool = option(
        False, "End each sample by NUL instead of a newline, and escape nothing.", "Output",
        flags=("-0", "--null"),
    )

    @property
    def json_lines(self) -> bool:
        """Whether objects are written, as the switch or the name of the file says."""
        return self.jsonl or (self.output or "").lower().endswith(".jsonl")

    @property
    def scored(self) -> bool:
        return super().scored or self.json_lines  # an object holds the score
