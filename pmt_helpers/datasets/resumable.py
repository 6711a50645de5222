"""Long computations kept piece by piece: stopped at any moment, even by force, they go on where they were.

Each piece is a file that appears whole or not at all. The pieces are computed on this machine's cores, or on a Dask
cluster; only this process writes, so the cluster needs no disk in common.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
from tqdm.auto import tqdm

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path

Job = tuple[Callable[..., Any], tuple[Any, ...]]  # a function of a module, and its arguments


def work_folder(folder: Path, plan: Mapping[str, Any]) -> bool:
    """Make `folder` ready for pieces of this plan; True when pieces of the same plan may already be there.

    Pieces of another plan (other data, sizes, seeds) are removed, as are files that a killed run left half written.
    """
    beside = folder / "plan.json"
    text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
    resumes = beside.is_file() and beside.read_text(encoding="utf-8") == text
    if not resumes and folder.exists():
        shutil.rmtree(folder)
    for half_written in folder.glob(".writing-*"):
        shutil.rmtree(half_written)
    with atomic_path(beside) as part:
        part.write_text(text, encoding="utf-8")
    return resumes


def compute_missing(
    jobs: Mapping[str, Job],
    folder: Path,
    save: Callable[[Path, Any], None],
    *,
    suffix: str,
    description: str,
    workers: int = 2,
    dask: str | None = None,
) -> dict[str, Path]:
    """Compute each job whose file is not there yet, and return the path of every job's file, in the jobs' order.

    save(path, result) writes one result. dask: address of a scheduler, to compute there instead of in `workers`
    processes here; the results are the same. Raises DataError when the cluster cannot be used.
    """
    paths = {name: folder / f"{name}{suffix}" for name in jobs}
    missing = [name for name, path in paths.items() if not path.is_file()]
    bar = tqdm(total=len(jobs), initial=len(jobs) - len(missing), desc=description, unit="piece")
    with bar, _backend(dask):
        parallel = joblib.Parallel(n_jobs=-1 if dask else workers, return_as="generator_unordered")
        for name, result in parallel(joblib.delayed(_named)(name, *jobs[name]) for name in missing):
            with atomic_path(paths[name]) as part:
                save(part, result)
            bar.update()
    return paths


def _named(name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
    return name, function(*arguments)


@contextmanager
def _backend(dask: str | None) -> Iterator[None]:
    """Where joblib computes: a Dask cluster, or processes of this machine."""
    if dask is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise DataError(
            file=f"Dask cluster {dask}", expected="the package distributed", found="it is not installed",
            remedy="python -m pip install distributed, here and on the workers, or leave out --dask",
        ) from None  # fmt: skip
    try:
        client = Client(dask, timeout="10s")
    except (OSError, ValueError) as error:
        raise DataError(
            file=f"Dask cluster {dask}", expected="a scheduler that answers", found=str(error) or type(error).__name__,
            remedy="start one with `dask scheduler` and give its address, such as tcp://127.0.0.1:8786",
        ) from error  # fmt: skip
    with client, joblib.parallel_config("dask"):
        yield
