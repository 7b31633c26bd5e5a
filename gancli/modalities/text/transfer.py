"""From a model of text to another corpus: its vocabulary grows, length and classes may differ."""

from dataclasses import replace

from gancli.modalities.base import Axes, Transfer
from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec
from gancli.modalities.text.tokens import MAX_UNITS
from gancli.modalities.transfer import class_names, class_sentences, inherited_labels, listed


def inherited(spec: TextSpec) -> dict[str, object]:
    """Return the options that lead to the same tokens."""
    return {"tokens": spec.tokens, "split": spec.split, **inherited_labels(spec.classes)}


def adopt(spec: TextSpec, former: TextSpec) -> tuple[TextSpec, list[str]]:
    """Return the spec with the model's vocabulary before what is new in the corpus."""
    sentences = class_sentences(spec.classes, former.classes)
    if spec.tokens != former.tokens:
        return spec, [f"Tokens: {spec.tokens}; the model's were {former.tokens}.", *sentences]
    known = set(former.vocabulary)
    # Words that are divided by other rules would never occur.
    added = [unit for unit in spec.vocabulary if unit not in known and spec.rules == former.rules]
    added = added[: MAX_UNITS - len(known)]
    length = max(spec.length, former.length) if spec.tokens == "bpe" else spec.length
    spec = replace(
        spec, vocabulary=(*former.vocabulary, *added), rules=former.rules, length=length
    )
    new = f"; new: {listed(list(map(repr, added)))}" if added else ", none is new"
    return spec, [f"Vocabulary: the model's {former.size - 2:,} units{new}.", *sentences]


def axes(spec: TextSpec, config: TextConfig) -> Axes:
    """Return the names of tokens and classes."""
    units = ["end", "unknown"]
    if spec.tokens == "word":
        units += [f"word {word}" for word in spec.vocabulary]
    else:
        units += [f"bytes {piece.hex()}" for piece in spec.tokenizer().pieces()[2:]]
    classes = class_names(spec.classes) or ["no class"]
    return {
        r"(generator|discriminator)\.embedding\.weight": (units, None),
        r"(generator|discriminator)\.start\.weight": (classes, None),
        r"generator\.bias": (units,),
        **({} if config.tied else {
            r"generator\.project\.weight": (units, None), r"generator\.project\.bias": (units,),
        }),
    }


TRANSFER = Transfer(inherited, adopt, axes)
