"""A package's door, its __init__.pyi, gives types to who reads it, and is where notebooks import from."""

import ast
import itertools
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOORS = sorted(path.parent.name for path in (ROOT / "pmt_helpers").glob("*/__init__.pyi"))
NAMES = [(door, name) for door in DOORS for name in import_module(f"pmt_helpers.{door}").__all__]


def mypy(program: Path) -> list[str]:
    """What mypy says about a program's own lines: line number and message."""
    done = subprocess.run([sys.executable, "-m", "mypy", str(program)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [line.split(f"{program.name}:", 1)[1] for line in done.stdout.splitlines() if f"{program.name}:" in line]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="types are checked on Python 3.11 (see the Makefile)")
def test_a_type_checker_refuses_wrong_arguments_and_knows_every_name_behind_a_door(tmp_path: Path) -> None:
    imports = [f"import pmt_helpers.{door}" for door in DOORS]
    reveals = [f"reveal_type(pmt_helpers.{door}.{name})" for door, name in NAMES]
    wrong = "from pmt_helpers.activity import personalise; personalise(1, 2)"
    reader = tmp_path / "reader_of_doors.py"
    reader.write_text("\n".join([*imports, *reveals, wrong]), encoding="utf-8")
    lines = mypy(reader)
    refused = [line for line in lines if "error:" in line]
    assert [line for line in refused if not line.startswith(f"{len(imports) + len(reveals) + 1}:")] == []
    assert any('Missing positional argument "y_user"' in line for line in refused)
    assert any('Argument 1 to "personalise" has incompatible type "int"' in line for line in refused)
    types = [match[1] for match in (re.search(r'Revealed type is "(.*)"', line) for line in lines) if match]
    assert len(types) == len(NAMES)
    assert [name for name, kind in zip(NAMES, types, strict=True) if kind == "Any"] == []


def test_a_door_tells_type_checkers_of_an_installed_package_to_read_it() -> None:
    assert (ROOT / "pmt_helpers" / "py.typed").is_file()


@pytest.mark.parametrize("door", DOORS)
def test_a_door_says_what_is_in_it_and_loads_each_name(door: str) -> None:
    package = import_module(f"pmt_helpers.{door}")
    assert package.__doc__
    assert [name for name in package.__all__ if getattr(package, name, None) is None] == []


@pytest.mark.parametrize("door", DOORS)
def test_no_name_of_a_door_is_a_modules(door: str) -> None:
    modules = {path.stem for path in (ROOT / "pmt_helpers" / door).glob("*.py")}
    assert modules & set(import_module(f"pmt_helpers.{door}").__all__) == set()


@pytest.mark.parametrize("source", sorted((ROOT / "notebooks" / "source").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_imports_from_doors_only(source: Path) -> None:
    imported = [
        node.module for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)
    ]
    ours = {module for module in imported if module and module.startswith("pmt_helpers")}
    assert ours <= {f"pmt_helpers.{door}" for door in DOORS}


@pytest.mark.parametrize("notebook", ["00_start_here", "01_base_model", "03_topic_models"])
def test_the_imports_of_a_notebook_load_nothing_heavy_that_its_first_figure_does_without(notebook: str) -> None:
    source = (ROOT / "notebooks" / "source" / f"{notebook}.py").read_text(encoding="utf-8")
    before = itertools.takewhile(lambda line: "figures." not in ast.unparse(line), ast.parse(source).body)
    imports = [ast.unparse(line) for line in before if isinstance(line, ast.Import | ast.ImportFrom)]
    assert imports
    heavy = "{'keras', 'jax', 'scipy.stats', 'sklearn', 'gensim'}"
    program = "\n".join([*imports, f"import sys; print(sorted({heavy} & set(sys.modules)))"])
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
