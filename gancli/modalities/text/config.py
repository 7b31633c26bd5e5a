"""Options of training on and sampling text, and the presets."""

from dataclasses import dataclass
from typing import Any

from gancli.config import TrainConfig, option
from gancli.modalities import options as shared
from gancli.sampling.config import SampleConfig


@dataclass(frozen=True, kw_only=True)
class TextConfig(TrainConfig):
    """Options of ``gancli train text``."""

    preset: str = option(
        "likelihood", "A named set of values for the options below.", "Training",
        choices=("likelihood", "adversarial", "gumbel"),
    )

    split: str = option(
        "lines", "What a sample is: a line, a paragraph between empty lines, or a window of one "
        "endless stream.", "Data", choices=("lines", "paragraphs", "stream"),
    )
    tokens: str = option(
        "auto", "Tokenizer: what text is split into; auto chooses by the corpus.", "Data",
        choices=("auto", "char", "byte", "word", "bpe"),
    )
    vocabulary: int | None = option(
        None, "Vocabulary size: maximum number of words or byte pairs; by default chosen from the "
        "corpus, at most 20,000 words.", "Data", minimum=2, maximum=1_000_000,
    )
    max_length: int | None = option(
        None, "Sequence length: maximum number of tokens in a sample; longer ones are cut. By "
        "default chosen from the corpus.", "Data", minimum=1, maximum=65_536,
    )
    encoding: str = option("utf-8", "Encoding of the text.", "Data", metavar="NAME")
    field: str | None = option(
        None, "Field of JSON with the text; by default, text, or the only one. Of a table, the "
        "same as --text-column.", "Data", metavar="NAME",
    )
    text_column: str | None = option(
        None, "Column of a table (or field of JSON) with the text: its name, or its number from "
        "1; by default the longest.", "Data", metavar="COLUMN",
    )
    label_column: str | None = option(
        None, "Column of a table (or field of JSON) with the class: its name, or its number from "
        "1; by default a column with few values.", "Data", metavar="COLUMN",
    )
    separator: str | None = option(
        None, "What separates samples, e.g. '<|endoftext|>' or '\\n', which reads lines; in a "
        "table, columns. By default found.", "Data", metavar="TEXT",
    )
    labels: str = option(
        "auto", "Where classes come from; auto uses columns, a dataset.json, or folders that look "
        "like classes.",
        "Data", choices=("auto", "folders", "column", "none"),
    )

    g_cell: str = shared.cell("generator")
    d_cell: str = shared.cell("discriminator")
    g_width: int = option(
        384, "Hidden size: width of the generator's hidden state.", "Networks", minimum=4,
        maximum=8192
    )
    d_width: int = option(
        384, "Hidden size: width of the discriminator's hidden state; if it equals the "
        "generator's, the discriminator starts from the generator's weights.", "Networks",
        minimum=4, maximum=8192,
    )
    g_layers: int = option(1, "Layers of the generator.", "Networks", minimum=1, maximum=24)
    d_layers: int = option(1, "Layers of the discriminator.", "Networks", minimum=1, maximum=24)
    d_direction: str = option(
        "forward", "Direction in which the discriminator reads; with both, it cannot reward "
        "single tokens.", "Networks", choices=("forward", "both"),
    )
    embedding: int = option(
        128, "Embedding dimensions of a token.", "Networks", minimum=2, maximum=8192
    )
    tied: bool = option(
        True, "Use the embedding as the generator's output layer too: fewer weights, better words.",
        "Networks",
    )
    g_dropout: float = option(
        0.4, "Dropout: fraction of values dropped in the generator, the same at each token.",
        "Networks", minimum=0.0, maximum=0.9,
    )
    # Single runs on 10,000 captions, unseen against generated ones: an AUC of .60 after 800 steps
    # and .61 after 1,600; with .3 it was .61 after 800 and .59 after 2,100.
    d_dropout: float = option(
        0.5, "Dropout: fraction of values dropped in the discriminator.", "Networks", minimum=0.0,
        maximum=0.9,
    )

    # Less costs quality where text takes long to learn; where it is learned early, the other phases
    # get the rest.
    warm_start: float = option(
        0.8, "Maximum fraction of the budget for training by likelihood; it stops early once "
        "held-out text becomes no likelier.", "Training", minimum=0.01, maximum=1.0,
    )
    adversarial: float = option(
        0.1, "Fraction of the budget for adversarial training, if there is an --estimator; the "
        "discriminator gets the rest, half before and half after.", "Training", minimum=0.0,
        maximum=0.9,
    )
    # On captions (three seeds, RESULTS.md) neither score nor gumbel brings text closer to real text
    # than likelihood, and both take time.
    estimator: str = option(
        "none", "How the generator learns from the discriminator: not at all, by rewards for "
        "sampled tokens (score), or through Gumbel-softmax.", "Objective",
        choices=("none", "score", "gumbel"),
    )
    likelihood: float = option(
        0.5, "Weight of the likelihood loss beside the adversarial one.", "Objective",
        minimum=0.0, maximum=1e3,
    )
    kl: float = option(
        0.1, "Weight of the divergence from the model trained by likelihood.", "Objective",
        minimum=0.0, maximum=1e3,
    )
    entropy: float = option(
        0.0, "Weight of the entropy of each token's distribution.", "Objective", minimum=0.0,
        maximum=1e3,
    )
    discount: float = option(
        0.95, "Factor on the reward of each later token.", "Objective", minimum=0.0, maximum=1.0
    )
    gumbel_temperature: float = option(
        0.5, "Temperature of Gumbel-softmax; lower is closer to categorical samples.", "Objective",
        minimum=0.01, maximum=10.0,
    )

    batch: int = option(64, "Batch size: samples in a step.", "Training", minimum=2, maximum=65536)
    lr: float = shared.learning_rate(2e-3, "likelihood phase")
    g_lr: float = shared.learning_rate(1e-4, "generator in the adversarial phase")
    d_lr: float = shared.learning_rate(1e-3, "discriminator")
    clip: float = shared.clip(1.0)
    ema: float = shared.ema("samples")

    @property
    def fine_tuned(self) -> float:
        """Fraction of the budget for adversarial training."""
        return 0.0 if self.estimator == "none" else self.adversarial


PRESETS: dict[str, dict[str, Any]] = {
    # Maximum likelihood, and a discriminator that guides sampling.
    "likelihood": {},
    # After d'Autume et al. 2019 (ScratchGAN): a reward for each token.
    "adversarial": {"estimator": "score"},
    # After Nie et al. 2019 (RelGAN): Gumbel-softmax and a relativistic loss.
    "gumbel": {"estimator": "gumbel"},
}


JSON_LINES = (".jsonl", ".ndjson")  # suffixes


@dataclass(frozen=True, kw_only=True)
class TextSampleConfig(SampleConfig):
    """Options of ``gancli sample text``."""

    temperature: float = option(
        1.0, "Below 1, likely tokens are drawn more often, above 1 less; 1 keeps the model's "
        "probabilities.",
        "Samples", minimum=0.01, maximum=100.0,
    )
    top_k: int | None = option(
        None, "Draw each token from only this many of the likeliest.", "Samples", minimum=1,
        maximum=10_000_000,
    )
    top_p: float | None = option(
        None, "Nucleus sampling: draw each token from the likeliest that together have this "
        "probability.", "Samples", minimum=0.01, maximum=1.0,
    )
    prompt: str | None = option(
        None, "How each sample begins; the model continues from there.", "Samples", metavar="TEXT"
    )
    max_length: int | None = option(
        None, "Maximum number of tokens in a sample; by default as in training.",
        "Samples", minimum=1, maximum=1_000_000,
    )
    jsonl: bool = option(
        False, "Write one JSON object per line: seed, text, class, tokens, log_likelihood, score, "
        "model.", "Output",
    )
    null: bool = option(
        False, "End each sample with NUL instead of a newline, and escape nothing.", "Output",
        flags=("-0", "--null"),
    )

    @property
    def json_lines(self) -> bool:
        """Whether to write JSON objects, by the flag or the suffix of the output."""
        return self.jsonl or (self.output or "").lower().endswith(JSON_LINES)

    @property
    def scored(self) -> bool:
        return super().scored or self.json_lines  # each object contains the score
