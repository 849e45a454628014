"""The house plan, held by reading the source: who imports whom, and what nobody does.

Files are only parsed, never run, so this also covers what tests cannot import. A rule
looks at every import in a file, also inside functions and under TYPE_CHECKING. The
rules on what a module drags in follow imports at module level alone, since an import
inside a function is paid for only when it is needed.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 350
COMMANDS = ("train", "evaluate", "predict", "machine", "__main__")
"""Modules that are run as `python -m` and so may print."""
UNSAFE = ("pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "torch.load")


# ---------------------------------------------------------------- reading the source


def sources(root: Path, *places: str) -> list[Path]:
    """The Python files of folders (``pag``, ``pag/scenes``) or single files under `root`."""
    found: list[Path] = []
    for place in places:
        path = root / place
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.exists() else []
    return found


def parse(path: Path) -> ast.Module:
    return _parse_text(path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=256)
def _parse_text(text: str) -> ast.Module:  # every rule reads every file
    return ast.parse(text)


def module_name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(root: Path, path: Path, top_level: bool = False) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import of a file; ``from a import b`` gives ``a.b``."""
    tree = parse(path)
    package = module_name(root, path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in _outer(tree) if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def _outer(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run on import: not inside functions, not under TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _outer(child)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def dragged_in(root: Path, start: Path) -> Iterator[tuple[Path, int, str]]:
    """(file, line, name) of all that importing `start` imports, through our own modules.

    Parent packages are left out: importing any part of ``pag`` runs ``pag/__init__.py``,
    and this asks what the module itself needs.
    """
    waiting, seen = [start], {start}
    while waiting:
        path = waiting.pop()
        for line, name in imports(root, path, top_level=True):
            yield path, line, name
            stem = root / name.replace(".", "/")
            for target in (
                stem.with_suffix(".py"),
                stem / "__init__.py",
                stem.parent.with_suffix(".py"),
                stem.parent / "__init__.py",
            ):
                package_itself = target.parent.parent == root and target.name == "__init__.py"
                if target.exists() and target not in seen and not package_itself:
                    seen.add(target)
                    waiting.append(target)


# ---------------------------------------------------------------- the rules


def forbid(
    *names: str, places: tuple[str, ...], but: tuple[str, ...] = ()
) -> Callable[[Path], list[str]]:
    """A rule: files in `places`, except those of `but`, do not import `names`."""

    def rule(root: Path) -> list[str]:
        return [
            f"{path.relative_to(root)}:{line} imports {name}"
            for path in sources(root, *places)
            if str(path.relative_to(root)) not in but
            for line, name in imports(root, path)
            if within(name, *names)
        ]

    return rule


def forbid_dragging(*names: str, places: tuple[str, ...]) -> Callable[[Path], list[str]]:
    """A rule: importing files in `places` does not bring in `names` through our modules."""

    def rule(root: Path) -> list[str]:
        return sorted(
            f"{start.relative_to(root)} needs {name}, by {path.relative_to(root)}:{line}"
            for start in sources(root, *places)
            for path, line, name in set(dragged_in(root, start))
            if within(name, *names)
        )

    return rule


def only_public_names(root: Path) -> list[str]:
    """`app` and `app.py` take from `pag` only the names that `pag/__init__.py` offers."""
    init = root / "pag" / "__init__.py"
    tree = parse(init) if init.exists() else ast.Module([], [])
    public = {
        alias.name
        for node in ast.walk(tree)  # lazy names are there for type checkers
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    wrong = []
    for path in sources(root, "app", "app.py"):
        used = [(n, x) for n, x in imports(root, path) if within(x, "pag") and x != "pag"]
        used += [
            (node.lineno, f"pag.{node.attr}")
            for node in ast.walk(parse(path))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "pag"
        ]
        wrong += [
            f"{path.relative_to(root)}:{line} uses {name}; public are {', '.join(sorted(public))}"
            for line, name in used
            if name.removeprefix("pag.") not in public
        ]
    return wrong


def scipy_only_where_needed(root: Path) -> list[str]:
    allowed = ("pag.train", "pag.evaluate", "pag.losses", "pag.metrics", "pag.data")
    return [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in sources(root, "pag", "app", "app.py")
        if not within(module_name(root, path), *allowed, "pag.matconvnet")
        for line, name in imports(root, path)
        if within(name, "scipy")
    ]


def figures_stand_alone(root: Path) -> list[str]:
    """`app/figures` draws from records: of `app` it knows only colours and words."""
    allowed = ("app.figures", "app.palette", "app.content")
    return [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in sources(root, "app/figures")
        for line, name in imports(root, path)
        if within(name, "app") and not within(name, *allowed)
    ]


def no_print_in_the_library(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}:{node.lineno} prints"
        for path in sources(root, "pag")
        if path.stem not in COMMANDS
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def nothing_unpickles(root: Path) -> list[str]:
    wrong = []
    for path in sources(root, "pag", "app", "app.py"):
        found = [(line, name) for line, name in imports(root, path) if within(name, *UNSAFE)]
        for node in ast.walk(parse(path)):
            match node:
                case ast.Attribute(value=ast.Name(id="torch"), attr="load"):
                    found.append((node.lineno, "torch.load"))
                case ast.keyword(arg="allow_pickle", value=ast.Constant(value=False)):
                    pass
                case ast.keyword(arg="allow_pickle"):
                    found.append((node.value.lineno, "allow_pickle"))
        wrong += [f"{path.relative_to(root)}:{line} uses {name}" for line, name in found]
    return wrong


def files_are_short(root: Path) -> list[str]:
    front = sorted(path for kind in ("css", "js") for path in (root / "app").rglob(f"*.{kind}"))
    return [
        f"{path.relative_to(root)} has {count} lines; at most {MAX_LINES}"
        for path in (*sources(root, "pag", "app", "app.py"), *front)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    ]


SCREEN = ("gradio", "matplotlib", "plotly")
CHARTS = ("pag/baselines/chart.py",)
"""What commands draw of their results; computing does without."""
PLAIN = (
    "app/session.py",
    "app/actions.py",
    "app/wish.py",
    "app/photos.py",
    "app/palette.py",
    "app/content.py",
)
RULES: dict[str, Callable[[Path], list[str]]] = {
    "pag knows no screen": forbid(*SCREEN, "app", places=("pag",), but=CHARTS),
    "charts know matplotlib alone": forbid("gradio", "plotly", "app", places=CHARTS),
    "computing the comparison draws nothing": forbid_dragging(
        *SCREEN, places=("pag/baselines/__main__.py",)
    ),
    "app knows no tensor": forbid("torch", places=("app",)),
    "app uses public names of pag only": only_public_names,
    "figures know no gradio": forbid("gradio", places=("app/figures",)),
    "figures stand alone": figures_stand_alone,
    "figures touch no pyplot state": forbid(
        "matplotlib.pyplot", "pylab", places=("app", "app.py", *CHARTS)
    ),
    "session and actions know no gradio": forbid("gradio", places=PLAIN),
    "scenes and the record know no torch": forbid_dragging(
        "torch", places=("pag/scenes", "pag/inference.py")
    ),
    "importing pag and opening images needs no torch": forbid_dragging(
        "torch", places=("pag/__init__.py", "pag/images.py", "pag/errors.py", "pag/config.py")
    ),
    "scipy only for training and evaluation": scipy_only_where_needed,
    "the predictor needs no scipy": forbid_dragging(
        "scipy", places=("pag/__init__.py", "pag/predictor.py", "pag/predict.py")
    ),
    "no print in the library": no_print_in_the_library,
    "nothing unpickles": nothing_unpickles,
    "files are short": files_are_short,
}


@pytest.mark.parametrize("name", RULES)
def test_house_plan(name: str) -> None:
    assert not (wrong := RULES[name](ROOT)), "\n".join([f"{name}:", *wrong])


# ---------------------------------------------------------------- the rules themselves

CLEAN = {
    "app.py": "from app.ui import build\nfrom pag import Predictor\n",
    "app/__init__.py": "",
    "app/ui.py": "import gradio as gr\nimport pag\nfrom app.session import S\npag.Predictor\n",
    "app/session.py": "from pag import Inference\n",
    "app/figures/__init__.py": "",
    "app/figures/depth.py": "from matplotlib.figure import Figure\nfrom app.palette import RED\n",
    "app/palette.py": "RED = 'red'\n",
    "pag/__init__.py": "from typing import TYPE_CHECKING\n"
    "from pag.inference import Inference as Inference\n"
    "if TYPE_CHECKING:\n    from pag.predictor import Predictor as Predictor\n",
    "pag/network.py": "import torch\n",
    "pag/inference.py": "import numpy as np\n",
    "pag/predictor.py": "import torch\nfrom pag.metrics import agreement\n",
    "pag/metrics/__init__.py": "def agreement():\n    import scipy\n",
    "pag/scenes/__init__.py": "from pag.scenes.room import room\n",
    "pag/scenes/room.py": "import numpy\nfrom pag import inference\nfrom .. import errors\n",
    "pag/errors.py": "",
    "pag/baselines/chart.py": "from matplotlib.figure import Figure\n",
    "pag/baselines/__main__.py": "def f():\n    from pag.baselines import chart\n",
    "pag/train.py": "import scipy.ndimage\nprint('step')\n",
}
VIOLATIONS = [
    ("pag knows no screen", "pag/budget.py", "def f():\n    import plotly.express\n"),
    ("pag knows no screen", "pag/budget.py", "from app.palette import RED\n"),
    ("pag knows no screen", "pag/budget.py", "from ..app import palette\n"),
    ("app knows no tensor", "app/views/depth.py", "from torch import nn\n"),
    ("pag knows no screen", "pag/baselines/compare.py", "import matplotlib\n"),
    ("charts know matplotlib alone", "pag/baselines/chart.py", "import plotly\n"),
    (
        "computing the comparison draws nothing",
        "pag/baselines/__main__.py",
        "from pag.baselines.chart import draw\n",
    ),
    ("app uses public names of pag only", "app/ui.py", "from pag.errors import InputError\n"),
    ("app uses public names of pag only", "app/ui.py", "from pag import errors\n"),
    ("app uses public names of pag only", "app/ui.py", "import pag.errors\n"),
    ("app uses public names of pag only", "app/ui.py", "import pag\npag.errors\n"),
    ("app uses public names of pag only", "app.py", "from pag import *\n"),
    ("figures know no gradio", "app/figures/depth.py", "import gradio as gr\n"),
    ("figures stand alone", "app/figures/depth.py", "from app import session\n"),
    ("figures stand alone", "app/figures/depth.py", "from ..views import depth\n"),
    ("figures touch no pyplot state", "app/figures/depth.py", "from matplotlib import pyplot\n"),
    ("session and actions know no gradio", "app/actions.py", "from gradio import Error\n"),
    ("scenes and the record know no torch", "pag/inference.py", "import torch\n"),
    ("scenes and the record know no torch", "pag/scenes/room.py", "from pag.predictor import P\n"),
    ("importing pag and opening images needs no torch", "pag/images.py", "import torch\n"),
    ("importing pag and opening images needs no torch", "pag/__init__.py", "import pag.network\n"),
    ("scipy only for training and evaluation", "pag/gate.py", "from scipy import ndimage\n"),
    ("the predictor needs no scipy", "pag/metrics/__init__.py", "import scipy\n"),
    ("no print in the library", "pag/gate.py", "def f():\n    print(1)\n"),
    ("nothing unpickles", "pag/gate.py", "import torch\ntorch.load('x', weights_only=True)\n"),
    ("nothing unpickles", "pag/gate.py", "from torch import load\n"),
    ("nothing unpickles", "app/session.py", "import pickle\n"),
    ("nothing unpickles", "pag/gate.py", "import numpy as np\nnp.load(f, allow_pickle=True)\n"),
    ("files are short", "pag/gate.py", "x = 1\n" * (MAX_LINES + 1)),
    ("files are short", "app/front/page.css", "p {}\n" * (MAX_LINES + 1)),
    ("files are short", "app/front/core.js", "x = 1;\n" * (MAX_LINES + 1)),
]


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_clean_house_passes_every_rule(tmp_path: Path) -> None:
    plant(tmp_path, CLEAN)
    assert {name: wrong for name, rule in RULES.items() if (wrong := rule(tmp_path))} == {}


@pytest.mark.parametrize(("name", "path", "text"), VIOLATIONS)
def test_a_violation_is_found(tmp_path: Path, name: str, path: str, text: str) -> None:
    plant(tmp_path, CLEAN | {path: text})
    wrong = RULES[name](tmp_path)
    assert any(path in line for line in wrong)


def test_every_rule_has_a_violation_to_find() -> None:
    assert {name for name, *_ in VIOLATIONS} == set(RULES)
