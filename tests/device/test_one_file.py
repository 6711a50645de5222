"""pi_profile.py: one file, made from the workbook's modules, that runs where there is only Python and NumPy."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers.device import read_log
from pmt_helpers.device.export import export, one_file
from pmt_helpers.device.pi_profile import NOTE

ALONE = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
beside = sorted(name for name in sys.modules if name.partition(".")[0] in ("pmt_helpers", "pandas", "scipy", "tqdm"))
assert not beside, beside
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A Python without any package but NumPy, about to run pi_profile.py."""
    folder = tmp_path_factory.mktemp("only_numpy")
    numpy = Path(np.__file__).parent
    for package in numpy.parent.glob("numpy*"):
        (folder / package.name).symlink_to(package)
    file = export(tmp_path_factory.mktemp("pi") / "pi_profile.py")
    return [sys.executable, "-I", "-S", "-c", ALONE, str(folder), str(file)]


def run(command: list[str], *options: str) -> subprocess.CompletedProcess:
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def test_activity_is_recorded_with_numpy_alone(alone: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "log.jsonl")
    options = ("--samples", "5,10", "--epochs", "3", "--run-id", "abc", "--utc", "2026-05-01T00:00:00Z")
    done = run(alone, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    log = read_log(out)
    assert log.complete
    assert (log.header["run_id"], log.header["utc"]) == ("abc", "2026-05-01T00:00:00Z")
    assert log.notes == (NOTE,)
    assert log.spans["phase"].tolist() == ["import", "load", *["build", "train", "train", "train"] * 2, "inference"]
    assert log.spans.query("phase == 'train'")["updates"].tolist() == [5, 5, 5, 10, 10, 10]
    inference = log.spans.iloc[-1]
    assert 0 < inference["latency_ms_median"] <= inference["latency_ms_p99"]


def test_topics_are_recorded_without_even_that_to_standard_output(alone: list[str], tmp_path: Path) -> None:
    options = ("--task", "topics", "--kernel", "python", "--documents", "3,6", "--percents", "50", "--iterations", "2")
    done = run(alone, "--out", "-", "--origin", "emulated-raspi3b-icount", *options)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "log.jsonl"
    path.write_text(done.stdout)
    log = read_log(path)
    assert log.origin == "emulated-raspi3b-icount"
    train = log.spans.query("phase == 'train'")
    assert train["n_documents"].tolist() == [3, 3, 6, 6, 6, 6]
    assert train["n_words"].tolist() == [1000, 1000, 1000, 1000, 500, 500]
    assert "import" not in log.spans["phase"].tolist()


def test_an_origin_that_is_none_and_a_log_that_exists_are_refused(alone: list[str], tmp_path: Path) -> None:
    assert "invalid choice" in run(alone, "--out", "-", "--origin", "my-pi").stderr
    (tmp_path / "log.jsonl").write_text("precious")
    assert "FileExistsError" in run(alone, "--out", str(tmp_path / "log.jsonl")).stderr
    assert (tmp_path / "log.jsonl").read_text() == "precious"


def test_the_file_is_python_3_9_without_clashing_names_or_imports_of_ours() -> None:
    text = one_file()
    tree = ast.parse(text, feature_version=(3, 9))
    names = Counter(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    targets = [node.targets for node in tree.body if isinstance(node, ast.Assign)]
    names.update(
        name.id for some in targets for target in some for name in ast.walk(target) if isinstance(name, ast.Name)
    )
    assert [name for name, times in names.items() if times > 1] == []
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported - set(sys.stdlib_module_names) == {"numpy", "psutil"}
