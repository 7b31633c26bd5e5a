"""Options of training on and sampling text, and the presets."""

from dataclasses import dataclass
from typing import Any

from gancli.config import TrainConfig, option
from gancli.layers.names import CELLS
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
        "auto", "What text is made of; auto looks at the corpus.", "Data",
        choices=("auto", "char", "byte", "word", "bpe"),
    )
    vocabulary: int | None = option(
        None, "Most words or byte pairs; found from the corpus, at most 20,000 words.", "Data",
        minimum=2, maximum=1_000_000,
    )
    max_length: int | None = option(
        None, "Most tokens in a sample; longer ones are cut. Found from the corpus.", "Data",
        minimum=1, maximum=65_536,
    )
    encoding: str = option("utf-8", "Encoding of the text.", "Data", metavar="NAME")
    field: str | None = option(
        None, "Field of JSON lines that holds the text; text, if there is one.", "Data",
        metavar="NAME",
    )
    text_column: int | None = option(
        None, "Column of a .tsv that holds the text, from 1; found by looking.", "Data",
        minimum=1, maximum=10_000,
    )
    label_column: int | None = option(
        None, "Column of a .tsv that holds the class, from 1; found by looking.", "Data",
        minimum=1, maximum=10_000,
    )
    labels: str = option(
        "auto", "Where classes come from; auto takes folders and columns that look like it.",
        "Data", choices=("auto", "folders", "column", "none"),
    )

    g_cell: str = option("lstm", "Recurrent cell of the generator.", "Networks", choices=CELLS)
    d_cell: str = option("lstm", "Recurrent cell of the discriminator.", "Networks", choices=CELLS)
    g_width: int = option(
        384, "Values that the generator carries from token to token.", "Networks", minimum=4,
        maximum=8192,
    )
    d_width: int = option(
        384, "Values that the discriminator carries; as many as the generator, it starts from "
        "its weights.", "Networks", minimum=4, maximum=8192,
    )
    g_layers: int = option(1, "Layers of the generator.", "Networks", minimum=1, maximum=24)
    d_layers: int = option(1, "Layers of the discriminator.", "Networks", minimum=1, maximum=24)
    d_direction: str = option(
        "forward", "How the discriminator reads; in both directions it cannot reward each token.",
        "Networks", choices=("forward", "both"),
    )
    embedding: int = option(
        128, "Values that stand for a token.", "Networks", minimum=2, maximum=8192
    )
    tied: bool = option(
        True, "Use the embedding in the generator's output too: fewer weights, better words.",
        "Networks",
    )
    g_dropout: float = option(
        0.4, "Share of values dropped in the generator, the same at each token.", "Networks",
        minimum=0.0, maximum=0.9,
    )
    # Single runs on 10,000 captions, fresh against drawn ones: an AUC of .60 after 800 steps and
    # .61 after 1,600; with .3 it was .61 after 800 and .59 after 2,100.
    d_dropout: float = option(
        0.5, "Share of values dropped in the discriminator.", "Networks", minimum=0.0, maximum=0.9
    )

    # Less costs quality where text is far from learnt; where it is learnt early, the other phases
    # get what is left.
    warm_start: float = option(
        0.8, "Most of the budget, as a share, in which the generator learns by likelihood; it ends "
        "early once held-out text gets no likelier.", "Training", minimum=0.01, maximum=1.0,
    )
    adversarial: float = option(
        0.1, "Share of the budget in which the two networks play, if there is an --estimator; the "
        "discriminator gets the rest, half before and half after.", "Training", minimum=0.0,
        maximum=0.9,
    )
    # On captions (three seeds, README) neither score nor gumbel brings text nearer to real text
    # than likelihood, and both take time.
    estimator: str = option(
        "none", "How the generator learns from the discriminator: not at all, by rewards of drawn "
        "tokens (score), or through Gumbel-softmax.", "Objective",
        choices=("none", "score", "gumbel"),
    )
    likelihood: float = option(
        0.5, "Weight of the likelihood loss beside the adversarial one.", "Objective",
        minimum=0.0, maximum=1e3,
    )
    kl: float = option(
        0.1, "Weight of the divergence from the likelihood start.", "Objective", minimum=0.0,
        maximum=1e3,
    )
    entropy: float = option(
        0.0, "Weight of the entropy of each token's distribution.", "Objective", minimum=0.0,
        maximum=1e3,
    )
    discount: float = option(
        0.95, "Factor on the reward of each later token.", "Objective", minimum=0.0, maximum=1.0
    )
    gumbel_temperature: float = option(
        0.5, "Temperature of Gumbel-softmax: small is nearer to true draws.", "Objective",
        minimum=0.01, maximum=10.0,
    )

    batch: int = option(64, "Samples in a step.", "Training", minimum=2, maximum=65536)
    lr: float = option(
        2e-3, "Learning rate of the likelihood phase.", "Training", minimum=0.0, maximum=10.0
    )
    g_lr: float = option(
        1e-4, "Learning rate of the generator in the adversarial phase.", "Training", minimum=0.0,
        maximum=10.0,
    )
    d_lr: float = option(
        1e-3, "Learning rate of the discriminator.", "Training", minimum=0.0, maximum=10.0
    )
    clip: float = option(
        1.0, "Greatest norm of a gradient; longer ones are shortened.", "Training", minimum=1e-6,
        maximum=1e6,
    )
    ema: float = option(
        0.05, "Half-life of the averaged generator as a share of the samples seen, at most "
        "10,000; 0 is off.", "Training", minimum=0.0, maximum=1.0,
    )

    @property
    def fine_tuned(self) -> float:
        """Share of the budget in which the two networks play."""
        return 0.0 if self.estimator == "none" else self.adversarial


PRESETS: dict[str, dict[str, Any]] = {
    # Maximum likelihood, and a discriminator that guides sampling.
    "likelihood": {},
    # After d'Autume et al. 2019 (ScratchGAN): a reward for each token.
    "adversarial": {"estimator": "score"},
    # After Nie et al. 2019 (RelGAN): Gumbel-softmax and a relativistic loss.
    "gumbel": {"estimator": "gumbel"},
}


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
