"""The cells of a comparison: which settings are compared, and what each is called."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from gancli.config import TrainConfig, options, resolve, to_table
from gancli.errors import GancliError, UsageError, suggest
from gancli.modalities.base import AnyModality

_MAX_CELLS = 256
# What is the same in all cells, or belongs to a single run.
NOT_VARIED = {"seed", "time", "steps", "images", "save_every", "tensorboard", "strict"}
# Changes no network and no data.
_NOT_NAMED = {"seed", "save_every", "tensorboard", "strict"}


@dataclass(frozen=True)
class Cell:
    """Settings that are trained with each seed.

    Args:
        name: The settings, as a person writes them.
        config: All options, with the first seed.
        digest: A hash of the config that no seed changes.
    """

    name: str
    config: TrainConfig
    digest: str

    def with_seed(self, seed: int) -> TrainConfig:
        """Return the config of one training."""
        return replace(self.config, seed=seed)


def parse_settings(
    modality: AnyModality, vary: Sequence[str], cells: Sequence[str]
) -> list[dict[str, str]]:
    """Return the settings of each cell, by field.

    Args:
        modality: Whose options they are.
        vary: Lists such as ``g-norm=batch,none``; all combinations of them are cells.
        cells: Single cells such as ``g-norm=batch d-norm=spectral``.

    Raises:
        UsageError: An option does not exist, cannot vary or is set twice, or there are fewer than
            two cells.
    """
    varied = _together([_pair(modality, text) for text in vary])
    lists = [[(name, value) for value in values.split(",")] for name, values in varied.items()]
    settings = [dict(chosen) for chosen in product(*lists)] if lists else []
    settings += [_together([_pair(modality, part) for part in text.split()]) for text in cells]
    unique = [each for place, each in enumerate(settings) if each not in settings[:place]]
    if len(unique) < 2:
        raise UsageError(
            "There is nothing to compare: fewer than two different cells are given.",
            "Vary an option, such as --vary g-norm=batch,none, or name cells with --cell.",
        )
    if len(unique) > _MAX_CELLS:
        raise UsageError(
            f"{len(unique):,} cells are more than {_MAX_CELLS}.",
            "Vary fewer options at once, or name single cells with --cell.",
        )
    return unique


def _together(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return pairs of a field and its values by field.

    Raises:
        UsageError: A field is in more than one of them.
    """
    table = dict(pairs)
    if len(table) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0].replace("_", "-")
        raise UsageError(
            f"{twice} is set more than once.",
            f"Give all values of a --vary at once, such as {twice}=A,B, and one to a --cell.",
        )
    return table


def _pair(modality: AnyModality, text: str) -> tuple[str, str]:
    """Return the field and the value of ``option=value``."""
    flag, equals, value = text.partition("=")
    name = flag.strip().lstrip("-").replace("-", "_")
    known = {option.name: option for option in options(modality.config_type)}
    if not equals or not value:
        raise UsageError(
            f"{text!r} names no value.", "Write it like --vary g-norm=batch,none."
        )
    if name not in known:
        flags = [option.flag.lstrip("-") for option in known.values()]
        raise UsageError(
            f"{flag!r} is not an option of gancli train {modality.name}.",
            suggest(flag.lstrip("-"), flags),
        )
    if name in NOT_VARIED:
        raise UsageError(
            f"{flag!r} cannot vary: it is the same in all cells.",
            "Give --seeds for several seeds, and --time or --steps for the budget.",
        )
    return name, value


def make_cells(
    modality: AnyModality, settings: Sequence[Mapping[str, str]], fixed: Mapping[str, object],
    environment: Mapping[str, str],
) -> list[Cell]:
    """Return the cells.

    Args:
        modality: Whose options they are.
        settings: Of each cell.
        fixed: Options of all of them, as given.
        environment: Of the process.

    Raises:
        UsageError: Settings are wrong, of as many cells as it may be, or twice the same; or a
            fixed option has no effect.
    """
    for field in set.intersection(*map(set, settings)):
        if fixed.get(field) is not None:
            flag = "--" + field.replace("_", "-")
            raise UsageError(
                f"{flag} has no effect here, since every cell sets it.",
                f"Leave {flag} out, or compare its value as well.",
            )
    cells, problems = [], {}
    for setting in settings:
        name = " ".join(f"{field.replace('_', '-')}={value}" for field, value in setting.items())
        try:
            config, _ = resolve(
                modality.config_type, command_line={**fixed, **setting}, environment=environment,
                presets=modality.presets,
            )
            cells.append(Cell(name, config, digest(config)))
        except UsageError as error:
            problems[name] = error
    refuse(problems, len(settings))
    return distinct(cells)


def refuse(problems: Mapping[str, GancliError], count: int) -> None:
    """Refuse cells that cannot be trained, all at once.

    Args:
        problems: What is wrong, by the cell's name.
        count: How many cells there are.

    Raises:
        GancliError: There are problems.
    """
    if not problems:
        return
    first = next(iter(problems.values()))
    messages = {error.message for error in problems.values()}
    if len(messages) == 1 and len(problems) in (1, count):
        where = f"{next(iter(problems))}: " if len(problems) < count else ""
        raise GancliError(f"{where}{first.message}", first.hint, first.exit_code)
    named = " ".join(
        f"{name}: {error.message} {error.hint}".strip() for name, error in problems.items()
    )
    raise GancliError(
        f"{len(problems)} of {count} cells cannot be trained. {named}", "", first.exit_code
    )


def distinct(cells: Sequence[Cell]) -> list[Cell]:
    """Return cells, of which no two are to be the same.

    Raises:
        UsageError: Two are.
    """
    names: dict[str, str] = {}
    for cell in cells:
        other = names.setdefault(cell.digest, cell.name)
        if other != cell.name:
            raise UsageError(
                f"{other!r} and {cell.name!r} are the same settings, by what is default.",
                "Leave one of them out.",
            )
    return list(cells)


def groups(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return cells in groups that share what the budget decides.

    It decides by the data and by the sizes of networks that are given, as for a single training.
    Cells that have these in common are to differ in what they vary and nothing else.
    """
    found: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        key = tuple(
            getattr(cell.config, option.name) for option in options(type(cell.config))
            if option.group == "Data" or (option.group == "Networks" and option.default is None)
        )
        found.setdefault(key, []).append(cell)
    return list(found.values())


def undecided(group: Sequence[Cell]) -> TrainConfig:
    """Return the first config of a group with whatever any of the group leaves open."""
    left_open: dict[str, Any] = {
        name: None for name in (option.name for option in options(type(group[0].config)))
        if any(getattr(cell.config, name) is None for cell in group)
    }
    return replace(group[0].config, **left_open)


def decided(config: TrainConfig, decision: Mapping[str, Any]) -> TrainConfig:
    """Return a config with what was decided of the options that it leaves open."""
    return replace(config, **{
        name: value for name, value in decision.items()
        if getattr(config, name, value) is None  # an option may be of another version
    })


def digest(config: TrainConfig) -> str:
    """Return a hash of what a config says of networks, training and data, without the seed."""
    return _hash(_named(config))


def common_digest(cells: Sequence[Cell]) -> str:
    """Return a hash of what the configs of cells have in common: all but what varies."""
    first, *others = (_named(cell.config) for cell in cells)
    return _hash({
        name: value for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    })


def _named(config: TrainConfig) -> dict[str, Any]:
    return {name: value for name, value in to_table(config).items() if name not in _NOT_NAMED}


def _hash(table: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:10]
