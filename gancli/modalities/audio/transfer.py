"""From a model of sounds to other sounds: frames and their scale stay, the rest may differ."""

from dataclasses import replace

from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.base import Axes, Transfer
from gancli.modalities.transfer import class_names, class_sentences, inherited_labels, names

_FRAME = ("rate", "channels", "hop", "window", "bins")


def inherited(spec: AudioSpec) -> dict[str, object]:
    """Return the options that lead to the same frames, without a warm start: it has had one."""
    return {
        "rate": spec.rate, "channels": spec.channels, "hop": spec.hop, "bins": spec.bins,
        "warm_start": 0.0, **inherited_labels(spec.classes),
    }


def adopt(spec: AudioSpec, former: AudioSpec) -> tuple[AudioSpec, list[str]]:
    """Return the spec with the scale of the model's frames, if these are the same."""
    sentences = []
    if all(getattr(spec, name) == getattr(former, name) for name in _FRAME):
        spec = replace(spec, mean=former.mean, deviation=former.deviation)
        sentences.append("Scale: mean and deviation of the bands stay the model's.")
    else:
        sentences.append(
            f"Frames: the model's were of {former.rate:,} Hz, every {former.hop} samples, in "
            f"{former.bins} bands; what it knows of them fits others badly."
        )
    if spec.frames != former.frames:
        sentences.append(
            f"Clips: up to {spec.seconds:.2f} s; the model's were up to {former.seconds:.2f} s."
        )
    return spec, [*sentences, *class_sentences(spec.classes, former.classes)]


def axes(spec: AudioSpec, config: AudioConfig) -> Axes:
    """Return the names of classes, and of what the generator's cell sees at each step."""
    classes = class_names(spec.classes)
    condition = names("z", config.latent) + (names("of class", config.latent) if classes else [])
    inputs = condition + names("noise", config.noise) + (["place"] if spec.ends else [])
    return {
        r"generator\.embedding\.weight": (classes, None),
        r"generator\.start\.weight": (None, condition),
        r"generator\.cell\.stack\.(weight_ih_l0|first\.weight)": (None, inputs),
        r"discriminator\.projection\.weight": (classes, None),
    }


TRANSFER = Transfer(inherited, adopt, axes)
