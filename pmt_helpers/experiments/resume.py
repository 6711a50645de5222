"""Long computations kept piece by piece: stopped at any moment, even by force, they go on where they were.

Each piece is a file that appears whole or not at all. The pieces are computed on this machine's cores, or on a Dask
cluster; only this process writes, so the cluster needs no disk in common.
"""

import json
import shutil
import threading
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path

Job = tuple[Callable[..., Any], tuple[Any, ...]]  # a function of a module, and its arguments


Results = Generator[tuple[str, Any], None, None]


PLAN = "plan.json"


PATIENCE = 10  # seconds that a cluster has to answer


_one_at_a_time = threading.Lock()


def work_folder(folder: Path, plan: Mapping[str, Any]) -> bool:
    """Make `folder` ready for pieces of this plan; True when pieces of the same plan may already be there.

    Pieces of another plan (other data, sizes, seeds) are removed, as are files that a killed run left half written.
    Raises DataError when nothing can be written there.
    """
    text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
    resumes = _plan_in(folder) == text.encode()
    if not resumes and folder.exists():
        shutil.rmtree(folder)
    for half_written in folder.glob(".writing-*"):
        shutil.rmtree(half_written, ignore_errors=True)  # a second run of this plan may have finished it just now
    _write(folder / PLAN, text, lambda part, content: part.write_text(content, encoding="utf-8", newline="\n"))
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
    processes here; the results are the same. What a job raises is raised here; the pieces before it stay.
    Raises DataError when the cluster cannot be used, when a piece cannot be written, and when another run meanwhile
    took the folder for another plan.
    """
    paths = {name: folder / f"{name}{suffix}" for name in jobs}
    missing = {name: job for name, job in jobs.items() if not paths[name].is_file()}
    plan = _plan_in(folder)
    bar = tqdm(total=len(jobs), initial=len(jobs) - len(missing), desc=description, unit="piece")
    compute = _on_cluster(missing, dask) if dask is not None else _here(missing, workers)
    with bar, closing(compute) as results:
        for name, result in results:
            if _plan_in(folder) != plan:
                raise DataError(
                    file=folder, expected="the plan that this run began with", found="that of another run",
                    remedy="let one finish before the other starts, or give each a folder of its own with --work",
                )  # fmt: skip
            _write(paths[name], result, save)
            bar.update()
    return paths


def write_rows(path: Path, rows: pd.DataFrame) -> None:
    """Save a piece that is a table; every digit is kept."""
    rows.to_csv(path, index=False, lineterminator="\n")


def read_rows(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read back a piece written by `write_rows`, which must have these columns; otherwise raises DataError."""
    try:
        rows = pd.read_csv(path)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise foreign_piece(path, str(error)) from None
    if missing := set(columns) - set(rows.columns):
        raise foreign_piece(path, f"no column {', '.join(sorted(missing))}")
    return rows


def foreign_piece(path: Path, found: str) -> DataError:
    """The error for a piece that cannot be read. Pieces appear whole or not at all: something else changed it."""
    return DataError(
        file=path, expected="a piece of a sweep, as it was written", found=found,
        remedy="remove that file and give the same command again",
    )  # fmt: skip


def _plan_in(folder: Path) -> bytes | None:
    path = folder / PLAN
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, content: Any, save: Callable[[Path, Any], Any]) -> None:
    try:
        with atomic_path(path) as part:
            save(part, content)
    except OSError as error:
        raise DataError(
            file=path, expected="a folder to write to, with room in it", found=error.strerror or str(error),
            remedy="make room or choose another folder with --work; the same command goes on with what is there",
        ) from error  # fmt: skip


def _here(jobs: Mapping[str, Job], workers: int) -> Results:
    """Name and result of each job, as they come, from processes of this machine."""
    parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
    yield from parallel(joblib.delayed(_named)(name, *job) for name, job in jobs.items())


def _named(name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
    return name, function(*arguments)


def _on_cluster(jobs: Mapping[str, Job], address: str) -> Results:
    """The same from a Dask cluster. Through Dask's own client: joblib's waits for ever for a worker that died."""
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise DataError(
            file=f"Dask cluster {address}", expected="the package distributed", found="it is not installed",
            remedy="python -m pip install distributed, here and on the workers, or leave out --dask",
        ) from None  # fmt: skip
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise DataError(
            file=f"Dask cluster {address}", expected="a scheduler that answers",
            found=str(error) or type(error).__name__,
            remedy="start one with `dask scheduler` and give its address, such as tcp://127.0.0.1:8786",
        ) from error  # fmt: skip
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
            run = uuid.uuid4().hex  # without it Dask would give back what it remembers of an earlier run
            futures = [client.submit(_alone, name, *job, key=f"{name}-{run}") for name, job in jobs.items()]
            for future in as_completed(futures):
                yield future.result()
        except (TimeoutError, KilledWorker, CancelledError) as error:
            raise DataError(
                file=f"Dask cluster {address}", expected="a worker that computes, and a scheduler that stays",
                found=" ".join(str(error).split()) or type(error).__name__,
                remedy=f"start workers with `dask worker {address} --nworkers -1 --nthreads 1`, see in what they print "
                "why they died (often memory), and give the same command again",
            ) from error  # fmt: skip


def _alone(name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
    """_named, one at a time in a worker: threads would draw from the same random numbers of Keras, in any order."""
    with _one_at_a_time:
        return _named(name, function, arguments)
