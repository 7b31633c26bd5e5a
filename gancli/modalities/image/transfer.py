"""From a model of pictures to other pictures: size and channels stay, classes may differ."""

from gancli.modalities.base import Axes, Transfer
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.transfer import class_names, class_sentences, inherited_labels, names


def inherited(spec: ImageSpec) -> dict[str, object]:
    """Return the options that lead to the same size and channels."""
    return {"size": spec.size, "channels": spec.channels, **inherited_labels(spec.classes)}


def adopt(spec: ImageSpec, former: ImageSpec) -> tuple[ImageSpec, list[str]]:
    """Return the spec, and what becomes of the classes."""
    return spec, class_sentences(spec.classes, former.classes)


def axes(spec: ImageSpec, config: ImageConfig) -> Axes:
    """Return the names of classes, and of the code that the generator's layers see."""
    classes = class_names(spec.classes)
    code = names("z", config.latent) + (names("of class", config.latent) if classes else [])
    weight = r"(weight|parametrizations\.weight\.original)"
    return {
        r"generator\.embedding\.weight": (classes, None),
        rf"generator\.project\.{weight}": (None, code),
        r"generator\.body\.\d+\.modulation": (None, code),
        rf"discriminator\.projection\.{weight}": (classes, None),
    }


TRANSFER = Transfer(inherited, adopt, axes)
