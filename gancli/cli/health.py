"""The checks of ``gancli doctor``: an installation and its machine."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gancli import __version__
from gancli.errors import GancliError
from gancli.storage import bundled

_NEEDED = (
    "torch", "numpy", "pillow", "safetensors", "typer", "rich", "platformdirs", "tomli-w",
    "tokenizers", "soundfile", "soxr",
)
_MIN_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        name: What was checked.
        value: Its state.
        problem: Whether that prevents work.
        remedy: What to do about it.
    """

    name: str
    value: str
    problem: bool = False
    remedy: str = ""


def examine() -> list[Finding]:
    """Return the findings; a check that fails is itself a finding."""
    findings: list[Finding] = []
    for check in (_versions, _devices, _threads, _cache, _disk, _bundled):
        findings += _guarded(check)
    return findings


def _guarded(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except (GancliError, ImportError, OSError, RuntimeError, ValueError) as error:
        remedy = error.hint if isinstance(error, GancliError) else "Install gancli again."
        return [Finding(check.__name__.strip("_"), _sentence(error), True, remedy)]


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200].rstrip(".")


def _versions() -> Iterator[Finding]:
    yield Finding("gancli", __version__)
    yield Finding("python", f"{platform.python_version()} on {platform.platform()}")
    for name in _NEEDED:
        try:
            yield Finding(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "not installed", True, f"Run: pip install {name}")


def _devices() -> Iterator[Finding]:
    import torch

    from gancli.runtime.devices import available, bf16, bf16_is_to_be_timed

    kinds = available()
    names = [f"cuda ({torch.cuda.get_device_name()})" if kind == "cuda" else kind
             for kind in kinds]
    yield Finding("devices", ", ".join(names))
    fast = [
        f"{kind} (timed as training starts)" if bf16_is_to_be_timed(torch.device(kind)) else kind
        for kind in kinds
        if bf16("auto", torch.device(kind)) or bf16_is_to_be_timed(torch.device(kind))
    ]
    yield Finding("fast bf16", ", ".join(fast) or "none")


def _threads() -> Iterator[Finding]:
    import torch

    from gancli.runtime.processors import physical_cores

    yield Finding("cores", f"{physical_cores()} physical, {os.cpu_count()} logical")
    yield Finding("threads", f"{torch.get_num_threads()} by default")
    settings = {name: value for name, value in sorted(os.environ.items())
                if name.startswith(("OMP_", "GOMP_", "KMP_", "MKL_"))}
    shown = " ".join(f"{name}={value}" for name, value in settings.items())
    yield Finding("thread settings", shown or "none")


def _cache() -> Iterator[Finding]:
    from gancli.data.cache import cache_size
    from gancli.data.cache_place import cache_place, existing

    folder, reason = cache_place()
    nearest = existing(folder)
    if not os.access(nearest, os.W_OK):
        yield Finding("cache", f"{folder} is not writable", True,
                      "Set GANCLI_CACHE to a folder that you may write to.")
        return
    state = f"{folder}, {cache_size() / 1e6:,.1f} MB"
    if reason:
        yield Finding("cache", f"{state}, which may not last: {reason}", remedy="Set HOME, or "
                      "GANCLI_CACHE to a folder that stays and that you may write to.")
        return
    yield Finding("cache", state)


def _disk() -> Iterator[Finding]:
    from gancli.data.cache_place import cache_place, existing

    for name, folder in (("disk here", Path.cwd()), ("disk of the cache", cache_place().folder)):
        free = shutil.disk_usage(existing(folder)).free
        short = free < _MIN_FREE_BYTES
        yield Finding(name, f"{free / 1e9:,.1f} GB free", short,
                      "Free some space; a run may take several hundred MB." if short else "")


def _bundled() -> Iterator[Finding]:
    """Compare all bundled files with their checksums."""
    kinds: tuple[bundled.Kind, ...] = ("models", "samples")
    for kind in kinds:
        names = list(bundled.names(kind))
        for name in names:
            try:
                bundled.check(kind, name)
            except GancliError as error:
                yield Finding(f"bundled {kind}", f"{name}: {error.message.rstrip('.')}", True,
                              error.hint)
        if not names:
            yield Finding(f"bundled {kind}", "none", True, "Install gancli from its wheel.")
        else:
            yield Finding(f"bundled {kind}", ", ".join(names))
