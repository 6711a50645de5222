"""What a person costs when there are 36, 360 and 3,600: learning curves and topics, here and on Dask. `make bench`.

People are resampled: each has one person's recordings, or documents, drawn anew. All of them download one shared model
of a fixed number of volunteers. Processes and cluster have two workers, warm before the clock starts. What breaks first
is the paper's shared model of each person, trained on everybody else: it is measured for a few epochs. After it comes
what one process keeps for everybody: this one the windows and the results, a Dask scheduler the jobs that wait, which
is why `JobRunner` gives it only some at a time. About ten minutes; other numbers of people: python
benchmarks/growth.py 36 360
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from parts.turns import Clock, first_line

from pmt_helpers.activity.curves import CurvePlan
from pmt_helpers.activity.shared import RECIPES, train_shared, train_shared_fast
from pmt_helpers.datasets import ActivityData, DataError, DocumentData, load_activity, load_documents
from pmt_helpers.experiments import JobRunner
from pmt_helpers.experiments.activity import curve_grid
from pmt_helpers.topics import Topics, personalise_topics, train_shared_topics

PEOPLE = (36, 360, 3600)
PLAN = CurvePlan(sizes=(20,), folds=3, epochs=30)
N_PUBLIC, N_OWN, ITERATIONS = 800, 10, 10
EPOCHS = 10  # of the paper's model
EVERY_S = 0.1  # how often memory is read
CURVES, TOPICS, PAPERS_MODEL = "learning curves", "topics", "the paper's model"
PROCESSES, DASK, HERE = "processes", "Dask", "here, of one"
Work = Callable[[JobRunner], object]
Experiment = Callable[[Sequence[int]], Work]


def volunteers() -> ActivityData:
    """WISDM where PMT_DATA_HOME has it, otherwise the watch data."""
    try:
        return load_activity("wisdm")
    except DataError:
        return load_activity("watch")


def resampled(data: ActivityData, people: Sequence[int]) -> ActivityData:
    """These users: each has as many recordings as one of `data`, in turn, drawn from theirs with replacement."""
    recordings = [
        [np.flatnonzero(data.recordings == number) for number in np.unique(data.recordings[data.users == user])]
        for user in data.user_ids
    ]
    pieces, users = [], []
    for user in people:
        theirs = recordings[user % len(recordings)]
        drawn = np.random.default_rng(user).integers(len(theirs), size=len(theirs))
        pieces += [theirs[number] for number in drawn]
        users += [user] * len(theirs)
    lengths = [len(rows) for rows in pieces]
    numbers = {"users": np.repeat(users, lengths), "recordings": np.repeat(np.arange(len(pieces)), lengths)}
    return replace(data.select(np.concatenate(pieces)), **numbers)


def curves() -> Experiment:
    data = volunteers()
    shared = train_shared_fast(data)

    def of_people(people: Sequence[int]) -> Work:
        theirs = resampled(data, people)
        return lambda runner: curve_grid(theirs, PLAN, runner, shared=shared)

    return of_people


def topics() -> Experiment:
    documents = load_documents("wikipedia")
    public, others = np.split(np.random.default_rng(0).permutation(len(documents)), [N_PUBLIC])
    shared = train_shared_topics(documents.select(public)).topics

    def of_people(people: Sequence[int]) -> Work:
        drawn = {user: np.random.default_rng(user).choice(others, N_OWN, replace=False) for user in people}
        jobs = {f"user-{user}": (topic_curve, (shared, documents.select(rows), user)) for user, rows in drawn.items()}
        return lambda runner: runner.rows(jobs, {}, TOPICS, ["user", "iteration", "log2_likelihood"])

    return of_people


def topic_curve(shared: Topics, own: DocumentData, user: int) -> pd.DataFrame:
    """What is kept of a personal model: its topics stay where they are."""
    model = personalise_topics(shared, own, iterations=ITERATIONS, seed=user)
    return pd.DataFrame({"user": user, "iteration": np.arange(ITERATIONS), "log2_likelihood": model.curve})


def papers_model() -> Experiment:
    def of_people(people: Sequence[int]) -> Work:
        train = partial(train_shared, resampled(volunteers(), people), people[0], epochs=EPOCHS, progress=False)
        train()  # compiles for this number of windows
        return lambda _: train()

    return of_people


WORK: dict[str, Callable[[], Experiment]] = {CURVES: curves, TOPICS: topics, PAPERS_MODEL: papers_model}


class Usage:
    """Within `with`: peak bytes of this process and of each below it, and the processor seconds of all."""

    def __init__(self) -> None:
        self.peaks: dict[int, int] = defaultdict(int)
        self._cpu: dict[int, list[float]] = defaultdict(list)  # at first and at last
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Usage":
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    @property
    def cpu(self) -> float:
        return sum(seconds[-1] - seconds[0] for seconds in self._cpu.values())

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        this = psutil.Process()
        for process in (this, *this.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                self.peaks[process.pid] = max(self.peaks[process.pid], process.memory_info().rss)
                self._cpu[process.pid][1:] = [sum(process.cpu_times()[:2])]


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, int]]:
    """The address and the process of a Dask scheduler; its two workers are processes of their own, too."""
    from distributed import Client

    def start(*command: str) -> subprocess.Popen:
        dask = [sys.executable, "-m", "dask", *command, "--no-dashboard"]
        return subprocess.Popen(dask, cwd=folder, stderr=subprocess.DEVNULL)

    file = folder / "scheduler.json"
    started = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))]
    try:
        address = ""
        while not address:
            time.sleep(0.1)
            if started[0].poll() is not None:
                raise RuntimeError("Dask's scheduler ended by itself")
            with suppress(FileNotFoundError, json.JSONDecodeError):  # Dask writes it in place: half of it may be there
                address = json.loads(file.read_text())["address"]
        started += [start("worker", address, "--no-nanny", "--nthreads", "1") for _ in range(2)]
        with Client(address) as client:
            client.wait_for_workers(2)
        yield address, started[0].pid
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def measure(what: str, where: str, people: int, rounds: int) -> dict[str, str | int | float]:
    """A row of the table; in MB, the sum of all peaks too. Each round has other people."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        address, scheduler = stack.enter_context(cluster(Path(name))) if where == DASK else (None, 0)
        runner = JobRunner(Path(name), workers=2, dask=address)
        experiment = WORK[what]()
        experiment(range(4))(runner.at(runner.folder / "warm"))
        work = [experiment(range(n, n + people)) for n in range(0, rounds * people, people)]
        with Usage() as usage, Clock() as clock:
            for turn, of_people in enumerate(work):
                of_people(runner.at(runner.folder / str(turn)))
        with Clock() as again:
            work[0](runner.at(runner.folder / "0"))
    persons = rounds * (people if where != HERE else 1)
    peaks = {pid: peak / 1e6 for pid, peak in usage.peaks.items()}
    row = {"what": what, "where": where, "people": people, "wall ms": 1e3 * clock.wall / persons}
    row |= {"CPU ms": 1e3 * usage.cpu / persons, "again ms": 1e3 * again.wall / people, "all MB": sum(peaks.values())}
    row |= {"parent MB": peaks.pop(os.getpid()), "scheduler MB": peaks.pop(scheduler, 0)}
    return row | {"worker MB": max(peaks.values(), default=0)}


def print_measured() -> None:
    what, where, *numbers = sys.argv[1:]
    print(json.dumps(measure(what, where, *map(int, numbers))))


def in_own_process(*case: object) -> dict[str, str | int | float]:
    """`measure` in a fresh process, where no memory was used before; workers can import this module by its name."""
    file = Path(__file__)
    path = os.pathsep.join(filter(None, (str(file.parent), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-c", f"import {file.stem}; {file.stem}.print_measured()", *map(str, case)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows and, beside the fewest people of the same work and place: times the CPU time, KB for each one more."""
    fewest = rows.groupby(["what", "where"])[["people", "CPU ms", "all MB"]].transform("first")
    more = 1e3 * (rows["all MB"] - fewest["all MB"]) / (rows["people"] - fewest["people"])
    return rows.assign(**{"CPU x": rows["CPU ms"] / fewest["CPU ms"], "KB more": more})


def verdict(table: pd.DataFrame) -> str:
    """What breaks first, and how level the rest stays."""
    most = table[table["people"] == table["people"].max()]
    [alone], others = most[most["what"] == PAPERS_MODEL].to_dict("records"), most[most["what"] != PAPERS_MODEL]
    n, fewest, epochs = alone["people"], table["people"].min(), RECIPES["paper"].epochs
    hours = n * alone["CPU ms"] / EPOCHS * epochs / 3.6e6
    times, more = others["CPU x"], others["KB more"].max()
    return (
        "Breaks first: the paper's shared model of each person, trained on everybody else.\n"
        f"One among {n:,} people takes {alone['CPU x']:.1f} times the CPU time of one among {fewest}; all of them, of "
        f"{epochs:,} epochs each, {hours:,.1f} hours.\n"
        f"With one model for all, a person among {n:,} takes {times.min():.2f} to {times.max():.2f} times the CPU time "
        f"of one among {fewest}, and each person more up to {more:.0f} KB."
    )


def main() -> None:
    sizes = sorted({int(size) for size in sys.argv[1:]} or PEOPLE)
    places = (PROCESSES, DASK) if find_spec("distributed") else (PROCESSES,)
    cases = [*product((CURVES, TOPICS), places, sizes), *product([PAPERS_MODEL], [HERE], sizes)]
    rounds = {size: max(1, sizes[-1] // 10 // size) for size in sizes}  # few people are soon done
    table = compared(pd.DataFrame([in_own_process(*case, rounds[case[-1]]) for case in cases]))
    print(first_line("numpy", "joblib", "distributed"))
    print(f"{volunteers().card.title}, Wikipedia; milliseconds a person, again where all results are there; peak MB")
    columns = ["people", "wall ms", "CPU ms", "CPU x", "again ms", "parent MB", "scheduler MB", "worker MB", "KB more"]
    digits = {column: "{:.2f}".format if column == "CPU x" else "{:.1f}".format for column in columns[1:]}
    print(table.set_index(["what", "where"])[columns].to_string(formatters=digits, na_rep="", sparsify=False))
    print(verdict(table))
    if DASK not in places:
        print("distributed: not installed")


if __name__ == "__main__":
    main()
