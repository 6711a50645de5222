"""Long computations are kept piece by piece: what is there is not computed again, and half a piece never counts."""

import math
import operator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError
from pmt_helpers.datasets.resumable import compute_missing, work_folder


def save(path: Path, result: Any) -> None:
    path.write_text(f"{result}\n")


def compute(jobs: dict, folder: Path, **options: Any) -> dict[str, str]:
    """The content of each piece. Jobs are functions of the standard library: the workers can import them."""
    options = {"suffix": ".txt", "description": "test", "workers": 1} | options
    paths = compute_missing(jobs, folder, save, **options)
    return {name: path.read_text().strip() for name, path in paths.items()}


ROOTS = {f"root-{n}": (math.sqrt, (n * n,)) for n in range(6)}


def test_every_job_leaves_its_piece_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    assert compute(ROOTS, tmp_path) == {f"root-{n}": f"{n}.0" for n in range(6)}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"root-{n}.txt" for n in range(6)]


@pytest.mark.parametrize("workers", [1, 2])
def test_pieces_that_are_there_are_not_computed_again(tmp_path: Path, workers: int) -> None:
    (tmp_path / "root-2.txt").write_text("kept\n")
    found = compute(ROOTS, tmp_path, workers=workers)
    assert found["root-2"] == "kept"
    assert found["root-3"] == "3.0"


def test_a_job_that_fails_is_heard_and_the_pieces_before_it_stay(tmp_path: Path) -> None:
    jobs = {"good": (math.sqrt, (4,)), "bad": (operator.truediv, (1, 0)), "later": (math.sqrt, (9,))}
    with pytest.raises(ZeroDivisionError):
        compute(jobs, tmp_path)
    assert (tmp_path / "good.txt").read_text() == "2.0\n"
    assert not (tmp_path / "bad.txt").exists()
    assert compute({**jobs, "bad": (operator.truediv, (1, 2))}, tmp_path)["bad"] == "0.5"


def test_a_piece_whose_writing_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def save_half(path: Path, result: Any) -> None:
        path.write_text("hal")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        compute_missing(ROOTS, tmp_path, save_half, suffix=".txt", description="test", workers=1)
    assert list(tmp_path.iterdir()) == []


plans = st.dictionaries(st.sampled_from(["seed", "sizes", "split"]), st.integers(0, 3))


@given(plans, plans)
def test_pieces_stay_for_the_same_plan_and_go_for_another(tmp_path_factory: Any, first: dict, second: dict) -> None:
    folder = tmp_path_factory.mktemp("work") / "sweep"
    assert not work_folder(folder, first)
    (folder / "piece.csv").write_text("1\n")
    assert work_folder(folder, second) == (first == second)
    assert (folder / "piece.csv").exists() == (first == second)


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    work_folder(tmp_path / "sweep", {"seed": 0})
    half = tmp_path / "sweep" / ".writing-abc"
    half.mkdir()
    (half / "user-3.csv").write_text("user,fold,mo")
    assert work_folder(tmp_path / "sweep", {"seed": 0})
    assert not half.exists()


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(DataError, match=r"tcp://127\.0\.0\.1:1[\s\S]*dask scheduler"):
        compute(ROOTS, tmp_path, dask="tcp://127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_a_cluster_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(DataError, match="pip install distributed"):
        compute(ROOTS, tmp_path, dask="tcp://127.0.0.1:8786")
