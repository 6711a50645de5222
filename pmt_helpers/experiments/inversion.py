"""The stored results of inversion and of uploaded gradients, person by person. Notebook 04, steps 4 and 5.

`python -m pmt_helpers sweep inversion` calls this.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.gradient_leak import leak_by_batch
from pmt_helpers.attacks.inversion import compare_inversions
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import activity_digest
from pmt_helpers.experiments.resume import Job, compute_missing, read_rows, work_folder, write_rows

SIZES, EPOCHS, DRAWS = (20, 60), 300, 4


UPLOADS = {"gradient": None, "1 epoch": 1, "300 epochs": 300}


def inversion_grid(
    data: ActivityData, folder: Path, *, seed: int = 0, workers: int = 2, dask: str | None = None
) -> pd.DataFrame:
    """compare_inversions of everybody's personal models, trained on 20 and on 60 windows, averaged over four draws.

    Returns a row for each user, activity, n_samples and method.
    """
    pieces = _pieces(_inversions, data, folder, seed, workers, dask, {"sizes": SIZES, "epochs": EPOCHS, "draws": DRAWS})
    rows = pd.concat([piece for piece in pieces if len(piece)], ignore_index=True)
    keys = ["n_samples", "user", "activity", "method"]
    return rows.groupby(keys, sort=False).mean().reset_index().sort_values(keys[:3], kind="stable", ignore_index=True)


def gradient_grid(
    data: ActivityData, folder: Path, *, seed: int = 0, workers: int = 2, dask: str | None = None
) -> pd.DataFrame:
    """leak_by_batch of everybody, for a gradient and for a change of weights.

    Returns a row for each upload ("gradient", "1 epoch", "300 epochs" at home) and batch size: means over people, found
    with its standard error over them, and error, the median over people of the largest.
    """
    pieces = _pieces(_gradients, data, folder, seed, workers, dask, {"uploads": UPLOADS})
    rows = pd.concat(pieces, ignore_index=True)
    groups = rows.groupby(["upload", "windows"], sort=False)
    table = groups[["found", "false", "labels", "correlation"]].mean()
    table.insert(1, "found_se", groups["found"].sem())
    table["error"], table["people"] = groups["error"].median(), groups.size()
    return table.reset_index()


def _pieces(
    work: Callable, data: ActivityData, folder: Path, seed: int, workers: int, dask: str | None, plan: dict
) -> Sequence[pd.DataFrame]:
    libraries = {name: version(name) for name in ("numpy", "keras", "jax", "numba")}
    work_folder(folder, {"digest": activity_digest(data), "libraries": libraries, "seed": seed, **plan})
    jobs: dict[str, Job] = {f"user-{user}": (work, (data, user, seed)) for user in map(int, data.user_ids)}
    paths = compute_missing(
        jobs, folder, write_rows, suffix=".csv", description=folder.name, workers=workers, dask=dask
    )
    return [read_rows(path, ("user",)) for path in paths.values()]


def _inversions(data: ActivityData, user: int, seed: int) -> pd.DataFrame:
    shared = train_shared_fast(data, user, seed)
    own = np.flatnonzero(data.users == user)
    inputs = shared.windows(data.X[own])
    tables = [pd.DataFrame(columns=["user"])]
    for size in (size for size in SIZES if size <= len(own)):
        for draw in range(DRAWS):
            rows = np.random.default_rng([seed, user, draw]).permutation(len(own))[:size]
            task = Task(shared.weights, inputs[rows], data.y[own][rows], seed=(seed, user, draw))
            personal = Checkpoint(train_online(task, epochs=EPOCHS).weights, shared.scaler)
            found = compare_inversions(data, user, personal, shared, task.y)
            tables.append(found.assign(n_samples=size))
    full = [table for table in tables if len(table)]
    return pd.concat(full, ignore_index=True) if full else tables[0]


def _gradients(data: ActivityData, user: int, seed: int) -> pd.DataFrame:
    shared = train_shared_fast(data, user, seed)
    own = data.users == user
    tables = []
    for upload, epochs in UPLOADS.items():
        found = leak_by_batch(shared, data.X[own], data.y[own], epochs=epochs, seed=seed)
        worst = found.groupby("windows")["error"].max()
        means = found.drop(columns=["draw", "error"]).groupby("windows").mean().assign(error=worst)
        tables.append(means.reset_index().assign(upload=upload))
    return pd.concat(tables, ignore_index=True).assign(user=user)
