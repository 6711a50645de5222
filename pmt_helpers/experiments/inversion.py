"""The stored results of model inversion and of uploaded gradients. Notebook 05.

`python -m pmt_helpers sweep inversion` calls this, from `run_inversion`. There is one job per person.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.gradient_leak import leak_by_batch
from pmt_helpers.attacks.inversion import compare_inversions
from pmt_helpers.datasets import load_activity
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import JobRunner, user_jobs

SIZES, EPOCHS, DRAWS = (20, 60), 300, 4
UPLOADS = {"gradient": None, "1 epoch": 1, "300 epochs": 300}
INVERSION_KEYS = ["n_samples", "user", "activity", "method"]
DISTANCES = ["distance", "correlation", "unusual", "farther", "first", "first_unusual", "people"]
LEAKS = ["found", "false", "labels", "correlation"]


def run_inversion(runner: JobRunner, *, dataset: str, seed: int) -> Iterator[Result]:
    """`sweep inversion`. Gradients have more digits, for the rounding of float32 and for log axes."""
    data = load_activity(dataset)
    for kind, compute, digits in (("inversion", inversion_grid, 4), ("gradients", gradient_grid, 7)):
        name = f"{kind}_{dataset}" + f"_seed{seed}" * (seed != 0)
        table = compute(data, runner.at(runner.folder / name), seed=seed)
        yield Result({name: table}, dataset, activity_digest(data), seed, digits=digits)


def stored_inversion(dataset: str) -> pd.DataFrame:
    """Inversions of personal models, made by `sweep inversion`: one row per person, activity, n_samples and method."""
    return read_grid(f"inversion_{dataset}")


def stored_gradients(dataset: str) -> pd.DataFrame:
    """What uploads give away by the number of windows in them, made by `sweep inversion`."""
    return read_grid(f"gradients_{dataset}")


def inversion_grid(data: ActivityData, runner: JobRunner, *, seed: int = 0) -> pd.DataFrame:
    """compare_inversions of everybody's personal models, trained on 20 and on 60 windows, averaged over four draws.

    Returns one row per user, activity, n_samples and method.
    """
    settings = activity_plan(data, seed=seed, sizes=SIZES, epochs=EPOCHS, draws=DRAWS)
    columns = ["user", "activity", "method", *DISTANCES, "n_samples"]
    rows = runner.rows(user_jobs(_inversions, data, seed), settings, "inversions", columns)
    means = rows.groupby(INVERSION_KEYS, sort=False).mean().reset_index()
    return means.sort_values(INVERSION_KEYS[:3], kind="stable", ignore_index=True)


def gradient_grid(data: ActivityData, runner: JobRunner, *, seed: int = 0) -> pd.DataFrame:
    """leak_by_batch of everybody, for a gradient and for a change of weights.

    Returns one row per upload ("gradient", "1 epoch", "300 epochs" at home) and batch size: means over people, found
    with its standard error over them, and error, the median over people of the largest.
    """
    settings = activity_plan(data, seed=seed, uploads=UPLOADS)
    columns = ["user", "upload", "windows", *LEAKS, "error"]
    rows = runner.rows(user_jobs(_gradients, data, seed), settings, "gradients", columns)
    groups = rows.groupby(["upload", "windows"], sort=False)
    table = groups[LEAKS].mean()
    table.insert(1, "found_se", groups["found"].sem())
    table["error"], table["people"] = groups["error"].median(), groups.size()
    return table.reset_index()


def _inversions(data: ActivityData, user: int, seed: int) -> pd.DataFrame:
    shared = train_shared_fast(data, user, seed)
    own = np.flatnonzero(data.users == user)
    inputs = shared.windows(data.X[own])
    tables = [pd.DataFrame(columns=["user", "activity", "method", *DISTANCES, "n_samples"])]
    for size in (size for size in SIZES if size <= len(own)):
        for draw in range(DRAWS):
            rows = np.random.default_rng([seed, user, draw]).permutation(len(own))[:size]
            task = Task(shared.weights, inputs[rows], data.y[own][rows], seed=(seed, user, draw))
            personal = Checkpoint(train_online(task, epochs=EPOCHS).weights, shared.scaler)
            tables.append(compare_inversions(data, user, personal, shared, task.y).assign(n_samples=size))
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def _gradients(data: ActivityData, user: int, seed: int) -> pd.DataFrame:
    shared = train_shared_fast(data, user, seed)
    own = data.users == user
    tables = []
    for upload, epochs in UPLOADS.items():
        leaks = leak_by_batch(shared, data.X[own], data.y[own], epochs=epochs, seed=seed)
        worst = leaks.groupby("windows")["error"].max()
        means = leaks.drop(columns=["draw", "error"]).groupby("windows").mean().assign(error=worst)
        tables.append(means.reset_index().assign(upload=upload))
    return pd.concat(tables, ignore_index=True).assign(user=user)
