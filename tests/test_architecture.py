"""Data flows one way, and so do imports: this reads them from the source, lazy ones included."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import gancli

ROOT = Path(gancli.__file__).parent

# Whole folders, lowest first. A module may import those of its own row and of rows above it.
ORDER = (
    ("gancli",),  # the version, and nothing else
    ("gancli.errors",),
    ("gancli.reporting",),
    ("gancli.config",),
    ("gancli.storage",),
    ("gancli.runtime",),
    ("gancli.data",),
    ("gancli.layers",),
    ("gancli.losses",),
    ("gancli.metrics",),
    ("gancli.phases",),
    ("gancli.sampling",),
    ("gancli.modalities",),
    ("gancli.artifacts",),
    ("gancli.training",),
    ("gancli.evaluation",),
    ("gancli.cli",),
    ("gancli.__main__",),
)
RANKS = {prefix: rank for rank, row in enumerate(ORDER) for prefix in row}

# What --help and the errors of the command line read.
LIGHT = (
    "gancli.cli", "gancli.config", "gancli.errors", "gancli.reporting", "gancli.storage.bundled",
)
HEAVY = {"torch", "torchaudio", "torchvision", "numpy", "PIL", "scipy", "safetensors", "soundfile",
         "soxr"}
# What sampling on the CPU needs; tests/test_without_torch.py runs it without torch.
TORCH_FREE = ("config", "data", "storage", "sampling", "runtime.blas", "runtime.processors",
              *(f"artifacts.{name}" for name in ("model", "finding", "arrays", "engine",
                                                 "evaluation", "description")))
TORCH_FREE_FILES = {"spec", "decode", "dataset", "inputs", "codec", "writers", "inference",
                    "inversion", "spectrogram"}  # of a modality
PICKLES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
MAX_LINES = 450


@dataclass(frozen=True)
class Import:
    target: str
    line: int
    eager: bool  # done when the module is imported, not in a function or for type checking


class Tree:
    """The modules below a package folder."""

    def __init__(self, root: Path) -> None:
        self.texts: dict[str, str] = {}
        self.packages: set[str] = set()
        for path in sorted(root.rglob("*.py")):
            parts = [root.name, *path.relative_to(root).with_suffix("").parts]
            if parts[-1] == "__init__":
                self.packages.add(".".join(parts[:-1]))
                parts = parts[:-1]
            self.texts[".".join(parts)] = path.read_text(encoding="utf-8")
        self.trees = {name: ast.parse(text) for name, text in self.texts.items()}
        self.imports = {name: list(self._imports(name)) for name in self.texts}

    def _imports(self, module: str) -> Iterator[Import]:
        for node, eager in _walk(self.trees[module], True):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, node.lineno, eager)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = module.split(".")
                    drop = node.level - (module in self.packages)
                    base = ".".join([*parts[: len(parts) - drop], *filter(None, [base])])
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    yield Import(inner if inner in self.texts else base, node.lineno, eager)

    def concrete(self, module: str) -> str | None:
        """Return the name of the modality that a module belongs to, if it does to one."""
        parts = module.split(".")
        inside = parts[1:2] == ["modalities"] and ".".join(parts[:3]) in self.packages
        return parts[2] if inside and len(parts) > 2 else None

    def eager_closure(self, module: str) -> dict[str, list[str]]:
        """Return whatever importing a module imports too, each with the way that leads there."""
        found = {module: [module]}
        waiting = [module]
        while waiting:
            here = waiting.pop()
            targets = [each.target for each in self.imports.get(here, ()) if each.eager]
            if "." in here and here in self.texts:
                targets.append(here.rpartition(".")[0])  # its package is run as well
            for target in targets:
                if target not in found:
                    found[target] = [*found[here], target]
                    waiting.append(target)
        return found


def _walk(node: ast.AST, eager: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, eager
        lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.body:
                yield statement, False
                yield from _walk(statement, False)
            for statement in child.orelse:
                yield statement, eager
                yield from _walk(statement, eager)
        else:
            yield from _walk(child, eager and not lazy)


def prefix_of(module: str) -> str | None:
    """Return the entry of ORDER that a module falls under; the root's own entry has no children."""
    parts = module.split(".")
    for length in range(len(parts), 1, -1):
        if (prefix := ".".join(parts[:length])) in RANKS:
            return prefix
    return module if module in RANKS else None


def is_light(tree: Tree, module: str) -> bool:
    if module.startswith("gancli.modalities"):
        rest = module.split(".")[2:]
        return rest in ([], ["base"]) or (
            tree.concrete(module) is not None and rest[1:] in ([], ["config"], ["sample_config"])
        )
    return any(module == light or module.startswith(light + ".") for light in LIGHT)


def upward(tree: Tree) -> Iterator[str]:
    """Yield imports against the order, and modules that have no place in it."""
    for module, imports in tree.imports.items():
        own = prefix_of(module)
        if own is None:
            yield f"{module} has no place in ORDER"
            continue
        for each in imports:
            if each.target.split(".")[0] != "gancli":
                continue
            other = prefix_of(each.target)
            if other is None:
                yield f"{module}:{each.line} imports {each.target}, which has no place in ORDER"
            elif other != own and RANKS[other] >= RANKS[own]:
                yield f"{module}:{each.line} imports {each.target}"


def concrete(tree: Tree) -> Iterator[str]:
    """Yield imports of one modality from outside of it."""
    for module, imports in tree.imports.items():
        for each in imports:
            modality = tree.concrete(each.target)
            if modality is not None and modality != tree.concrete(module):
                yield f"{module}:{each.line} knows the modality {modality}"


def heavy(tree: Tree) -> Iterator[str]:
    """Yield light modules whose import brings something heavy along, however indirectly."""
    for module in tree.texts:
        if is_light(tree, module):
            for target, way in tree.eager_closure(module).items():
                if target.split(".")[0] in HEAVY:
                    yield " -> ".join(way)


def torch_free(tree: Tree) -> Iterator[str]:
    """Yield modules on the way of a sample whose import brings torch along."""
    for module in tree.texts:
        parts = module.split(".")
        path, of_modality = ".".join(parts[1:]), tree.concrete(module) is not None
        listed = any(path == prefix or path.startswith(prefix + ".") for prefix in TORCH_FREE)
        if not (listed or (of_modality and parts[-1] in TORCH_FREE_FILES)):
            continue
        if path != "sampling.engines.torch" and "torch" in (ways := tree.eager_closure(module)):
            yield " -> ".join(ways["torch"])


def names(tree: Tree) -> Iterator[str]:
    """Yield imports in modules that hold names alone."""
    for module, imports in tree.imports.items():
        if module.endswith("names"):
            yield from (f"{module}:{each.line} imports {each.target}" for each in imports)


def prints(tree: Tree) -> Iterator[str]:
    """Yield calls of print outside the one place for it."""
    for module, parsed in tree.trees.items():
        for node in ast.walk(parsed):
            if isinstance(node, ast.Name) and node.id == "print" and module != "gancli.cli.console":
                yield f"{module}:{node.lineno} prints"


def pickles(tree: Tree) -> Iterator[str]:
    """Yield whatever could run code that lies in a file."""
    for module, parsed in tree.trees.items():
        for each in tree.imports[module]:
            if each.target.split(".")[0] in PICKLES:
                yield f"{module}:{each.line} imports {each.target}"
        for node in ast.walk(parsed):
            match node:
                case ast.Attribute(value=ast.Name("torch"), attr="load" | "save" as name):
                    yield f"{module}:{node.lineno} uses torch.{name}"
                case ast.ImportFrom(module="torch", names=aliases):
                    if {alias.name for alias in aliases} & {"load", "save"}:
                        yield f"{module}:{node.lineno} imports torch.load or torch.save"
                case ast.keyword(arg="allow_pickle") if ast.unparse(node.value) != "False":
                    yield f"{module}:{node.value.lineno} allows pickle"


def too_long(tree: Tree) -> Iterator[str]:
    """Yield files that ought to be two."""
    for module, text in tree.texts.items():
        if (lines := len(text.splitlines())) > MAX_LINES:
            yield f"{module} has {lines} lines"


RULES = (upward, concrete, heavy, torch_free, names, prints, pickles, too_long)


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(ROOT)


@pytest.mark.parametrize("rule", RULES)
def test_the_source_keeps_the_rule(tree: Tree, rule) -> None:
    assert list(rule(tree)) == []


def test_the_order_names_no_module_that_is_gone(tree: Tree) -> None:
    assert [prefix for prefix in RANKS if prefix not in tree.texts] == []


def test_the_checker_sees_the_source(tree: Tree) -> None:
    assert len(tree.texts) > 40
    networks = tree.imports["gancli.artifacts.networks"]
    assert any(each.target == "torch" and each.eager for each in networks)
    base = tree.imports["gancli.modalities.base"]
    assert any(each.target == "torch" and not each.eager for each in base)
    assert is_light(tree, "gancli.modalities.image.config")
    assert not is_light(tree, "gancli.modalities.image.networks")


@pytest.mark.parametrize(
    ("rule", "path", "text", "expected"),
    [
        (upward, "errors.py", "import gancli.config", "gancli.errors:1 imports gancli.config"),
        (upward, "errors.py", "def f():\n    from gancli.data import a", "gancli.errors:2 imports"),
        (upward, "data/a.py", "from gancli.training.run import x", "gancli.data.a:1 imports"),
        (upward, "data/a.py", "from ..training import run", "gancli.training.run"),
        (upward, "data/__init__.py", "from ..training import run", "gancli.training.run"),
        (upward, "layers/a.py", "from gancli.metrics import b", "imports gancli.metrics"),
        (upward, "sampling/sampler.py", "from gancli.modalities import base", "base"),
        (torch_free, "sampling/sampler.py", "import torch", "gancli.sampling.sampler -> torch"),
        (torch_free, "modalities/image/spec.py", "from gancli.modalities.image import a", "torch"),
        (upward, "sampling/sampler.py", "from gancli.cli import app", "imports gancli.cli"),
        (upward, "__init__.py", "from gancli import errors", "gancli:1 imports gancli.errors"),
        (upward, "stray.py", "", "gancli.stray has no place"),
        (concrete, "modalities/base.py", "from gancli.modalities import image", "base:1 knows"),
        (concrete, "training/run.py", "import gancli.modalities.image.spec", "run:1 knows"),
        (concrete, "cli/app.py", "def f():\n    import gancli.modalities.image", "app:2 knows"),
        (concrete, "modalities/text/a.py", "import gancli.modalities.image", "knows the mod"),
        (heavy, "cli/app.py", "import torch.nn", "gancli.cli.app -> torch.nn"),
        (heavy, "cli/app.py", "try:\n    import PIL\nexcept ImportError: pass", "-> PIL"),
        (heavy, "cli/app.py", "from gancli.training import run", "-> gancli.training.run -> num"),
        (heavy, "modalities/image/config.py", "class A:\n    import numpy", "config -> numpy"),
        (names, "layers/names.py", "import os", "gancli.layers.names:1 imports os"),
        (prints, "storage/bundled.py", "def f():\n    print(1)", "gancli.storage.bundled:2 prints"),
        (prints, "cli/app.py", "show = print", "gancli.cli.app:1 prints"),
        (pickles, "storage/bundled.py", "def f():\n    import pickle", "imports pickle"),
        (pickles, "storage/bundled.py", "import torch\ntorch.load(1)", "uses torch.load"),
        (pickles, "storage/bundled.py", "from torch import save", "torch.save"),
        (pickles, "storage/bundled.py", "np.load(x, allow_pickle=True)", "allows pickle"),
        (too_long, "storage/bundled.py", "\n" * (MAX_LINES + 1), "has 451 lines"),
    ],
)
def test_a_planted_violation_is_caught(
    tmp_path: Path, rule, path: str, text: str, expected: str
) -> None:
    sound = {
        "__init__.py": "", "errors.py": "", "config.py": "from gancli.errors import E",
        "storage/__init__.py": "", "storage/bundled.py": "import gancli",
        "data/__init__.py": "", "data/a.py": "import numpy",
        "layers/__init__.py": "", "layers/a.py": "", "layers/names.py": "A = 1",
        "metrics/__init__.py": "", "metrics/b.py": "",
        "training/__init__.py": "", "training/run.py": "import numpy",
        "sampling/__init__.py": "", "sampling/sampler.py": "from gancli import layers",
        "modalities/__init__.py": "", "modalities/base.py": "",
        "modalities/image/__init__.py": "def f():\n    from gancli.modalities.image import a",
        "modalities/image/a.py": "import torch", "modalities/image/spec.py": "",
        "modalities/image/config.py": "from gancli.layers.names import A",
        "modalities/text/__init__.py": "", "modalities/text/a.py": "",
        "cli/__init__.py": "",
        "cli/app.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n"
                      "def f():\n    import gancli.data.a",
        "cli/console.py": "print(1)",
    }
    root = tmp_path / "gancli"
    for name, content in sound.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    assert [problem for each in RULES for problem in each(Tree(root))] == []
    (root / path).write_text(text)
    found = list(rule(Tree(root)))
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "benchmarks").glob("*.py")), ids=lambda path: path.name
)
def test_benchmarks_import_what_there_is(path: Path) -> None:
    # They are run by hand, so nothing else would notice that a name has moved.
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if name.partition(".")[0] == "gancli":
            module = importlib.import_module(name)
            for each in node.names:
                if not hasattr(module, each.name):
                    importlib.import_module(f"{name}.{each.name}")
