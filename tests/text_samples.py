"""Samples of texts that no network made, and the codec of a tokenizer of all code points."""

import io
import re
import types

import numpy as np
from helpers import write_samples

from gancli.errors import GancliError
from gancli.modalities.text.codec import TextCodec
from gancli.modalities.text.config import TextConfig, TextSampleConfig
from gancli.modalities.text.tokens import FIRST, code_points
from gancli.sampling.request import Sample, SampleRequest


class CodePoints:
    """A tokenizer of all code points, halves of characters included, which no vocabulary has."""

    def encode(self, text):
        return code_points(text).astype(np.int32) + FIRST

    def encode_prompt(self, text):
        return self.encode(text), ""

    def decode(self, ids):
        return "".join(map(chr, ids - FIRST))


def codec(*classes, split="lines"):
    counts = tuple(1 for _ in classes)
    spec = types.SimpleNamespace(
        classes=classes, class_counts=counts, split=split, length=64, tokenizer=CodePoints
    )
    return TextCodec(spec, TextConfig())


def sample_of(text, request=None, label=None, log_odds=0.25, likelihood=-1.5):
    """Return a sample of a text; all of its likelihood is in the first row."""
    data = np.zeros((len(text) + 1, 2), np.float32)
    data[:-1, 0] = CodePoints().encode(text)
    data[0, 1] = likelihood
    return Sample(request or SampleRequest(0), data, label, log_odds)


class Source:
    """Makes samples and remembers how many; texts that it is not given are ``text SEED``."""

    def __init__(self, texts=None, fails_at=None, labels=None):
        self.texts, self.fails_at, self.labels, self.made = texts or {}, fails_at, labels or {}, 0

    def __call__(self, requests):
        for request in requests:
            if self.made == self.fails_at:
                raise GancliError("The sky fell.", "Run.")
            self.made += 1
            seed = request.seed
            text = self.texts.get(seed, f"text {seed}")
            yield sample_of(text, request, self.labels.get(seed))


def run(source, seeds, reporter=None, of=None, **options):
    """Return the files written and the bytes on stdout."""
    stdout = io.BytesIO()
    options = TextSampleConfig(**options)
    files = write_samples(of or codec(), seeds, options, source, reporter, lambda: stdout)
    return files, stdout.getvalue()


def unescape(line):
    """Read a line back by the rule that the module states."""

    def back(found):
        slashes, letter = found.groups()
        half = "\\" * (len(slashes) // 2)
        return half + ({"n": "\n", "r": "\r"}[letter] if len(slashes) % 2 else letter)

    return re.sub(r"(\\+)([nr])", back, line)
