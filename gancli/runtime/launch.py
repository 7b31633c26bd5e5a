"""What torchrun says of this process, read without torch.

torchrun starts the same command many times and numbers the processes by environment variables.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Launch:
    """One process among those that train together.

    Args:
        rank: Its number among all.
        world: How many there are.
        local_rank: Its number among those of this machine.
        local_world: How many this machine has.
        restarts: How often torchrun has started all of them again.
        name: Of the launch; its restarts have the same one.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    restarts: int = 0
    name: str = ""


def launch(environment: Mapping[str, str] = os.environ) -> Launch:
    """Return this process's place; without torchrun it is the only one."""

    def number(name: str, default: int = 0) -> int:
        text = environment.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default

    # Some clusters set the first alone.
    if number("WORLD_SIZE", 1) < 2 or not {"RANK", "MASTER_ADDR"} <= environment.keys():
        return Launch()
    name = environment.get("TORCHELASTIC_RUN_ID", "none")
    if name == "none":  # torchrun's own process stays the same over restarts
        name = f"{socket.gethostname()}:{os.getppid()}"
    return Launch(
        number("RANK"), number("WORLD_SIZE"), number("LOCAL_RANK"), number("LOCAL_WORLD_SIZE", 1),
        number("TORCHELASTIC_RESTART_COUNT"), name,
    )
