"""Long computations that survive being stopped: the result of each job is kept, and only what is missing is computed.

A job result is a file that appears whole or not at all, even when the run is killed. Jobs are computed on this
machine's cores or on a Dask cluster; only this process writes, so the cluster needs no shared disk.
"""

import json
import pickle
import shutil
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.datasets.arrays import DAMAGED, load_npz
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path

Job = tuple[Callable[..., Any], tuple[Any, ...]]  # a function of a module, and its arguments
Results = Generator[tuple[str, Any], None, None]

PLAN = "plan.json"
ANSWER_WITHIN = 10  # seconds that a cluster has to answer
AT_ONCE = 256  # jobs that a cluster has at a time: their arguments fill its scheduler's memory
SMALL = 10_000  # bytes of an argument that may go to the cluster with each job
_AGAIN = "remove that file and give the same command again"
_one_at_a_time = threading.Lock()


class OutdatedResult(DataError):
    """A job result written by older code: it lacks a part that is needed now, and is computed again."""


@dataclass(frozen=True)
class JobRunner:
    """Where the job results of an experiment are kept, and who computes them.

    workers: processes on this machine. dask: address of a scheduler, to compute there instead. Neither they nor an
    interruption changes a bit of the results.
    """

    folder: Path
    workers: int = 2
    dask: str | None = None

    def at(self, folder: Path) -> "JobRunner":
        """The same with another folder."""
        return replace(self, folder=folder)

    def results(
        self,
        jobs: Mapping[str, Job],
        plan: Mapping[str, Any],
        description: str,
        *,
        save: Callable[[Path, Any], Any],
        read: Callable[[Path], Any],
        suffix: str,
    ) -> dict[str, Any]:
        """The result of each job, in the jobs' order; those of the same plan that are there are not computed again.

        Every result is read back from its file, also those just written, so that an interrupted run and a complete
        one give the same.

        Raises DataError when a result cannot be read or written, or the cluster cannot be used.

        Parameters
        ----------
        jobs : each job by the name of its file
        plan : what the results depend on, as JSON; results of another plan in this folder are removed
        description : what the progress bar says
        save, read : write a result to a path, and read it back; read raises `OutdatedResult` for one of older code
        suffix : of the files
        """
        work_folder(self.folder, plan)
        for name in jobs:
            path = self.folder / f"{name}{suffix}"
            try:
                if path.is_file():
                    read(path)
            except OutdatedResult:
                path.unlink()
        paths = compute_missing(
            jobs, self.folder, save, suffix=suffix, description=description, workers=self.workers, dask=self.dask
        )
        return {name: read(path) for name, path in paths.items()}

    def tables(
        self, jobs: Mapping[str, Job], plan: Mapping[str, Any], description: str, columns: Sequence[str]
    ) -> dict[str, pd.DataFrame]:
        """`results` of jobs that return a table with these columns."""
        read = partial(read_rows, columns=columns)
        return self.results(jobs, plan, description, save=write_rows, read=read, suffix=".csv")

    def rows(
        self, jobs: Mapping[str, Job], plan: Mapping[str, Any], description: str, columns: Sequence[str]
    ) -> pd.DataFrame:
        """The rows of all `tables` one after the other, in the jobs' order; empty tables give none."""
        tables = self.tables(jobs, plan, description, columns).values()
        return pd.concat([table for table in tables if len(table)] or [*tables][:1], ignore_index=True)


def user_jobs(
    function: Callable[..., Any], data: ActivityData, *arguments: Any, users: Iterable[int] | None = None
) -> dict[str, Job]:
    """One job per user: function(data, user, *arguments)."""
    ids = map(int, data.user_ids if users is None else users)
    return {f"user-{user}": (function, (data, user, *arguments)) for user in ids}


def work_folder(folder: Path, plan: Mapping[str, Any]) -> bool:
    """Make `folder` ready for job results of this plan; True when results of the same plan may already be there.

    Results of another plan (other data, sizes, seeds) are removed, as are files that a killed run left half written.
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
    save: Callable[[Path, Any], Any],
    *,
    suffix: str,
    description: str,
    workers: int = 2,
    dask: str | None = None,
) -> dict[str, Path]:
    """Compute each job whose file is not there yet, and return the path of every job's file, in the jobs' order.

    save(path, result) writes one result; the rest as in `JobRunner`. What a job raises is raised here; the results
    before it stay. Raises DataError when the cluster cannot be used, when a result cannot be written, and when another
    run has meanwhile taken the folder for another plan.
    """
    paths = {name: folder / f"{name}{suffix}" for name in jobs}
    missing = {name: job for name, job in jobs.items() if not paths[name].is_file()}
    plan = _plan_in(folder)
    bar = tqdm(total=len(jobs), initial=len(jobs) - len(missing), desc=description, unit="job")
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
    """Save a job result that is a table; every digit is kept."""
    rows.to_csv(path, index=False, lineterminator="\n")


def read_rows(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read these columns of a table written by `write_rows`.

    Raises OutdatedResult when a column is missing, DataError when the file is no table.
    """
    try:
        rows = pd.read_csv(path)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise corrupt_result(path, str(error)) from None
    if missing := set(columns) - set(rows.columns):
        raise outdated_result(path, f"no column {', '.join(sorted(missing))}")
    return rows[list(columns)]


def read_arrays(path: Path, names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Read a job result that `datasets.arrays.write_arrays` wrote.

    Raises OutdatedResult when one of `names` is missing, DataError when the file cannot be read.
    """
    try:
        arrays = load_npz(path)
    except DAMAGED as error:
        raise corrupt_result(path, str(error)) from None
    if missing := set(names) - set(arrays):
        raise outdated_result(path, f"no {', '.join(sorted(missing))}")
    return arrays


def corrupt_result(path: Path, found: str) -> DataError:
    """The error for a job result that cannot be read. It was written whole or not at all: something else changed it."""
    return DataError(file=path, expected="a job result of a sweep, as it was written", found=found, remedy=_AGAIN)


def outdated_result(path: Path, found: str) -> OutdatedResult:
    """The error for a job result that lacks a part which the code of today writes."""
    return OutdatedResult(file=path, expected="a job result as it is written today", found=found, remedy=_AGAIN)


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
    with _deaf_to_ctrl_c():
        results = parallel(joblib.delayed(_named)(name, *job) for name, job in jobs.items())
    yield from results


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What starts in the block never gets Ctrl-C, which a terminal sends to workers too: each would print a traceback.

    This process gets it at the end of the block, and ends the workers.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        from multiprocessing.resource_tracker import ensure_running

        ensure_running()  # in Python 3.11 its start ends the block for Ctrl-C
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    else:
        yield


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
        client = Client(address, timeout=ANSWER_WITHIN)
    except (OSError, ValueError) as error:
        raise DataError(
            file=f"Dask cluster {address}", expected="a scheduler that answers",
            found=str(error) or type(error).__name__,
            remedy="start one with `dask scheduler` and give its address, such as tcp://127.0.0.1:8786",
        ) from error  # fmt: skip
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER_WITHIN)
            run = uuid.uuid4().hex  # without it Dask would give back what it remembers of an earlier run
            sent = {
                number: client.submit(pickle.loads, pickled, key=f"argument-{number}-{run}")
                for number, pickled in _shared_arguments(jobs).items()
            }
            waiting = (
                client.submit(_alone, *_packed(name, job, sent), key=f"{name}-{run}") for name, job in jobs.items()
            )
            running = as_completed(islice(waiting, AT_ONCE))
            for future in running:
                yield future.result()
                running.update(islice(waiting, 1))
        except (TimeoutError, KilledWorker, CancelledError) as error:
            raise DataError(
                file=f"Dask cluster {address}", expected="a worker that computes, and a scheduler that stays",
                found=" ".join(str(error).split()) or type(error).__name__,
                remedy=f"start workers with `dask worker {address} --nworkers -1 --nthreads 1`, see in what they print "
                "why they died (often memory), and give the same command again",
            ) from error  # fmt: skip


def _shared_arguments(jobs: Mapping[str, Job]) -> dict[int, bytes]:
    """What several jobs are given and is not small, pickled, by id: it goes to the cluster once, not with each job."""
    from distributed.protocol.pickle import dumps

    together = [argument for _, arguments in jobs.values() for argument in arguments]
    times = Counter(map(id, together))
    shared = {id(argument): argument for argument in together if times[id(argument)] > 1}
    pickled = {number: dumps(argument) for number, argument in shared.items()}
    return {number: text for number, text in pickled.items() if len(text) > SMALL}


def _packed(name: str, job: Job, sent: Mapping[int, Any]) -> tuple[Any, ...]:
    """What _alone is given: pickled here, the scheduler passes it on unread. Futures of what was sent stay outside."""
    from distributed.protocol.pickle import dumps

    function, arguments = job
    places = {place: sent[id(argument)] for place, argument in enumerate(arguments) if id(argument) in sent}
    own = [None if place in places else argument for place, argument in enumerate(arguments)]
    return dumps((name, function, own, list(places))), *places.values()


def _alone(pickled: bytes, *shared: Any) -> tuple[str, Any]:
    """_named, one at a time in a worker: threads would draw from the same random numbers of Keras, in any order."""
    name, function, arguments, places = pickle.loads(pickled)
    for place, argument in zip(places, shared, strict=True):
        arguments[place] = argument
    with _one_at_a_time:
        return _named(name, function, arguments)
