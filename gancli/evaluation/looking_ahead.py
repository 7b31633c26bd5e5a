"""Whether the cells of a comparison can be trained, before any is."""

from collections.abc import Sequence
from typing import Any

from gancli.config import options, to_table
from gancli.data.source import Source
from gancli.errors import GancliError
from gancli.evaluation.cells import Cell, decided, groups, refuse, undecided
from gancli.modalities.base import AnyModality
from gancli.runtime.devices import choose
from gancli.runtime.threads import fixed
from gancli.training.hooks import event_writer
from gancli.training.plan import plan_networks, sized_by_count


def look_ahead(
    modality: AnyModality, cells: Sequence[Cell], source: Source
) -> list[dict[str, int]]:
    """Look at the data and build the networks of each cell, without memory.

    Args:
        modality: What is trained.
        cells: All of them.
        source: The data, which is looked at once for all cells with the same options for it.

    Returns:
        For each cell the number of weights of its networks; empty if their size is not known yet.

    Raises:
        GancliError: Cells cannot be trained; it names all of them.
    """
    of_data = [
        option.name for option in options(modality.config_type) if option.group == "Data"
    ]
    specs: dict[tuple[Any, ...], Any] = {}
    deciding = {cell.name: undecided(group) for group in groups(cells) for cell in group}
    parameters, problems = [], {}
    for cell in cells:
        try:
            fixed(cell.config.threads)
            choose(cell.config.device)
            if cell.config.tensorboard:
                event_writer()
            key = tuple(getattr(cell.config, name) for name in of_data)
            if key not in specs:
                specs[key], _ = modality.loader().inspect(source, cell.config)
            decision, _ = sized_by_count(modality, specs[key], deciding[cell.name])
            config = decided(cell.config, to_table(decision))
            parameters.append(plan_networks(modality, specs[key], config)[2])
        except GancliError as error:
            problems[cell.name] = error
    refuse(problems, len(cells))
    return parameters
