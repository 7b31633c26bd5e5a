"""models/README.md, made from the models themselves, so that it never disagrees with them.

    python tests/benchmarks/models_readme.py [REPOSITORY]

index_bundled.py does it, too. Figures and options come from each model; what a person has to say
(``about``, ``data``, ``licence``) from models/index.json, whose order the page keeps.
"""

import json
import sys
from pathlib import Path
from typing import Any

from gancli import modalities
from gancli.artifacts import evaluation
from gancli.artifacts.description import describe_model
from gancli.artifacts.evaluation import SavedEvaluation
from gancli.artifacts.model import load

_HEAD = """\
# The zoo

Small trained models, one folder each; `gancli models` lists them. This folder holds no code, and the wheel
includes all of it.

| file | what |
|---|---|
| `NAME/model.safetensors` | weights: the averaged generator, and the discriminator for guided sampling |
| `NAME/config.json` | schema version, what the data determined, the options, sha256 of the weights and the card, measured figures, provenance |
| `NAME/README.md` | model card: training data, command and figures |
| `NAME/evaluation.json` | what `gancli eval` measured of these weights, with intervals and floors; the card has it, too |
| `index.json` | modality, licence, what the model makes and learned from, and the sha256 of each file; the first model of a modality is its default |

This page is made from the models: after a change, run `python tests/benchmarks/index_bundled.py`, which updates
the checksums and writes the page again. Of other weights, figures are not shown until they are measured again:
`gancli eval models/NAME --save`, with DATA behind the name where no part of it is bundled.

The score is gancli's own distance from real data that was held out; smaller is better, and the floor is what
other real data gets. `gancli info NAME` says what the other figures are. Diversity is the spread of what a model makes over that of real data. Of 100 items, half of
them real, the discriminator tells so many rightly as the last column says; at 50, `--guided` has nothing to go by.
"""  # noqa: E501
_TABLE = (
    "model", "trained for", "threads", "steps", "best step", "score", "floor", "diversity", "told",
)


def page(root: Path) -> str:
    """Return the page of the models in a folder."""
    index = json.loads((root / "index.json").read_text(encoding="utf-8"))
    models = {name: describe_model(load(root / name), layers=False) for name in index}
    rows = [_TABLE, ("---",) * len(_TABLE), *(_row(name, facts) for name, facts in models.items())]
    table = "".join("| " + " | ".join(row) + " |\n" for row in rows)
    return "\n".join([_HEAD, table, *(
        _section(name, index[name], facts, evaluation.read_or_tell(root / name, print))
        for name, facts in models.items()
    )])


def _row(name: str, facts: dict[str, Any]) -> tuple[str, ...]:
    figures = facts["figures"]

    def figure(key: str, form: str, factor: float = 1) -> str:
        return format(figures[key] * factor, form) if key in figures else ""

    seconds = figures["seconds"]
    return (
        f"[{name}](#{name})", f"{seconds / 60:.0f} min" if seconds >= 600 else f"{seconds:.0f} s",
        facts["config"]["threads"], figure("steps", ","), figure("best_step", ","),
        figure("score", ".3g"), figure("floor", ".3g"), figure("diversity", ".2f"),
        figure("guide_accuracy", ".0f", 100),
    )


def _section(
    name: str, item: dict[str, Any], facts: dict[str, Any], measured: SavedEvaluation | None
) -> str:
    spec, sizes = facts["spec"], facts["parameters"]
    learned = f"{spec['count']:,} {modalities.get(facts['modality']).items}"
    if item.get("data"):
        learned += f", {item['data']}"
    classes = f"Classes: {', '.join(spec['classes'])}.\n\n" if spec["classes"] else ""
    return (
        f"## {name}\n\n{item['about']}. It learned from {learned}; "
        f"{facts['config']['holdout']:.0%} of them were held out for measuring.\n\n{classes}"
        f"```\n{facts['provenance']['command']}\n```\n\n"
        f"Parameters: {sizes['generator']:,} of the generator, {sizes['discriminator']:,} of the "
        f"discriminator. Licence: {item['licence']}.\n{_figures(measured)}"
    )


def _figures(measured: SavedEvaluation | None) -> str:
    """Return a table of what was measured, or nothing."""
    if measured is None:
        return ""
    remark = f" {measured.remark}" if measured.remark else ""
    return (
        f"\n{measured.heading}: `{measured.command}`.{remark}\n\n"
        f"{evaluation.markdown_table(measured.figures)}"
    )


if __name__ == "__main__":
    models = Path(sys.argv[1] if sys.argv[1:] else Path(__file__).parents[2]) / "models"
    (models / "README.md").write_text(page(models), encoding="utf-8")
