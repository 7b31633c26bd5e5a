"""The commands and options there are: a change to them must be deliberate.

To accept one: ``PYTHONPATH=. python tests/cli/test_surface.py > tests/cli/surface.txt``.
"""

import sys
from pathlib import Path
from typing import Any

import typer

from gancli.cli import app

FROZEN = Path(__file__).with_name("surface.txt")


def surface() -> str:
    """Return a line for each command and each of its parameters."""
    lines: list[str] = []

    def visit(command: Any, path: str) -> None:
        lines.append(path)
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                lines.append(f"  {parameter.metavar}")
            else:
                flags = [*parameter.opts, *parameter.secondary_opts]
                value = "" if parameter.is_flag else f" {parameter.metavar or ''}".rstrip()
                lines.append("  " + ", ".join(flags) + value)
        for name, child in sorted(getattr(command, "commands", {}).items()):
            visit(child, f"{path} {name}")

    visit(typer.main.get_command(app.build()), "gancli")
    return "\n".join(lines) + "\n"


def test_surface_is_frozen():
    assert surface() == FROZEN.read_text()


if __name__ == "__main__":
    sys.stdout.write(surface())
