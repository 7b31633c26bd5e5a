"""What a file says of the samples in it, so that whoever finds it can make them again."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gancli.config import options as declared
from gancli.sampling.config import SampleConfig
from gancli.sampling.lazy import Ranges

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # of names from anywhere
_NAMED_ELSEWHERE = {"n", "seed", "seeds", "class_name"}


def ranges(seeds: Sequence[int]) -> str:
    """Return seeds as ``--seeds`` takes them, such as 0-63,99."""
    parts = Ranges.of(seeds).parts
    return ",".join(f"{each[0]}-{each[-1]}" if len(each) > 1 else f"{each[0]}" for each in parts)


def title(name: str) -> str:
    """Return what files call a model: the last part of its path, or of its run's."""
    path = Path(os.path.abspath(name))
    if path.name == "model" and (path.parent / "config.toml").is_file():
        path = path.parent  # each run has one of this name
    return path.name


@dataclass(frozen=True)
class Origin:
    """Where samples come from, apart from their seeds.

    Args:
        model: Name of the model.
        classes: Names of its classes.
        settings: Options that shape samples, as they are typed; empty where all are the defaults.
    """

    model: str
    classes: tuple[str, ...] = ()
    settings: str = ""

    @classmethod
    def of(cls, model: str, classes: tuple[str, ...], options: SampleConfig) -> "Origin":
        """Return the origin of what a model makes with these options."""
        words: list[str] = []
        for each in declared(type(options)):
            value = getattr(options, each.name)
            shapes = each.group == "Samples" and each.name not in _NAMED_ELSEWHERE
            if shapes and value != each.default:
                words += [each.flag, str(value)]
        return cls(model, classes, shlex.join(words))

    def facts(
        self, seeds: Sequence[int], labels: Sequence[int | None], limit: int = 8000
    ) -> dict[str, str]:
        """Return ``seed`` or ``seeds``, ``class`` or ``classes``, ``model`` and ``options``.

        Args:
            seeds: Of the samples in the file.
            labels: Numbers of their classes in the same order, or one for all of them.
            limit: Characters of a value; a longer one is cut and ends with three dots.
        """
        names = [self.classes[label] for label in labels if label is not None]
        facts = {
            "seed" if len(seeds) == 1 else "seeds": ranges(seeds),
            "class" if len(set(names)) == 1 else "classes":
                ", ".join(names if len(set(names)) > 1 else names[:1]),
            "model": self.model,
            "options": self.settings,
        }
        return {name: _tamed(value, limit) for name, value in facts.items() if value}


def as_text(facts: Mapping[str, str]) -> str:
    """Return facts as the one comment that most formats have room for."""
    return "; ".join(f"{name} {value}" for name, value in facts.items())


def _tamed(value: str, limit: int) -> str:
    value = _UNSAFE.sub("\ufffd", value)
    return value if len(value) <= limit else value[: limit - 4] + " ..."
