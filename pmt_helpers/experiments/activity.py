"""The stored learning curves: Figure 3 of the paper for every person, split and initialisation. Notebook 02.

`python -m pmt_helpers sweep figure3` calls this. First a shared model for each person left out, then that person's
learning curve; both are kept person by person, so that a stopped sweep goes on where it was.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from pmt_helpers.activity.curves import CurvePlan, rehearsal_for, user_curve
from pmt_helpers.activity.mitigation import Mitigation
from pmt_helpers.activity.online import PATIENCE
from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import activity_digest, read_grid
from pmt_helpers.experiments.resume import Job, compute_missing, foreign_piece, read_rows, work_folder, write_rows

KEYS = ["seed", "user", "model", "n_samples"]


MEASURES = {
    "folds": ("accuracy", "size"),
    "accuracy": ("accuracy", "mean"),
    "accuracy_sd": ("accuracy", "std"),
    "macro_recall": ("macro_recall", "mean"),
    "macro_f1": ("macro_f1", "mean"),
    "epochs": ("epochs", "mean"),
    "classes": ("classes", "mean"),
}


class Sweep(NamedTuple):
    """A finished sweep: the table for data/results, and how much work it was."""

    table: pd.DataFrame
    models: int
    updates: int


def grid_name(dataset: str, plan: CurvePlan, n_seeds: int = 1, cures: bool = False) -> str:
    """The name of a stored curve: data set, split, init (where not He's), how training ends, seeds (where several)."""
    parts = ["cures" if cures else "curve", dataset, plan.split, *([plan.init] if plan.init != "he" else [])]
    parts += ["stopped" if plan.early_stopping else str(plan.epochs), *([f"{n_seeds}seeds"] if n_seeds > 1 else [])]
    return "_".join(parts)


def stored_curve(
    dataset: str, split: str = "blocked", *, early_stopping: bool = True, init: str = "he", cures: bool = False
) -> pd.DataFrame:
    """A curve of data/results, made by `sweep figure3`. Raises DataError when there is none of that kind."""
    return read_grid(grid_name(dataset, CurvePlan(split=split, early_stopping=early_stopping, init=init), cures=cures))


def curve_grid(
    data: ActivityData,
    plan: CurvePlan,
    folder: Path,
    *,
    seeds: tuple[int, ...] = (0,),
    cures: Mapping[str, Mitigation] | None = None,
    workers: int = 2,
    dask: str | None = None,
) -> Sweep:
    """The learning curves of everybody in `data`, each user's folds averaged; pieces are kept in `folder`.

    The table has a row for each seed, user, model and n_samples: folds, accuracy (mean over folds, and its deviation),
    macro_recall, macro_f1, epochs run, and how many classes the training windows show. Neither workers nor a cluster
    nor an interruption changes a bit of it.
    """
    users = [int(user) for user in data.user_ids]
    cures = dict(cures or {})
    origin = {"digest": activity_digest(data), "libraries": _libraries()}
    pieces: dict[str, Path] = {}
    for seed in seeds:
        shared = _shared_models(data, plan.init, seed, folder.parent, origin, workers, dask)
        here = folder / f"seed-{seed}"
        wanted = replace(plan, seed=seed)
        described = {name: asdict(cure) for name, cure in cures.items()}
        work_folder(here, {**origin, "plan": asdict(wanted), "cures": described, "patience": PATIENCE})
        jobs: dict[str, Job] = {}
        for user in users:
            own = data.select(data.users == user)  # the job gets nobody else's windows, but those to rehearse
            download = replace(shared[user], rehearsal=rehearsal_for(cures, data, user, seed))
            jobs[f"user-{user}"] = (user_curve, (own, user, download, wanted, cures))
        done = compute_missing(
            jobs, here, _write_rows, suffix=".csv", description="learning curves", workers=workers, dask=dask
        )
        pieces |= {f"{seed} {name}": path for name, path in done.items()}
    return _gathered(pieces, data.class_names)


def _gathered(pieces: Mapping[str, Path], class_names: tuple[str, ...]) -> Sweep:
    """Read every piece back, also those just written, so that an interrupted sweep and a whole one read the same."""
    tables, models, updates = [], 0, 0
    for name, path in pieces.items():
        rows = read_rows(path, ("user", "fold", "model", "n_samples"))
        if rows.empty:  # a person with fewer windows than the smallest size
            continue
        trained = rows[rows["model"] != "shared"]
        models, updates = models + len(trained), updates + int((trained["epochs"] * trained["n_samples"]).sum())
        rows["classes"] = (rows[[f"n_{each}" for each in class_names]] > 0).sum(axis=1)
        rows["seed"] = int(name.split()[0])
        tables.append(rows.groupby(KEYS, sort=False).agg(**MEASURES).reset_index())
    if not tables:
        raise ValueError("nobody has as many training windows as the smallest size asked for")
    return Sweep(pd.concat(tables, ignore_index=True), models, updates)


def _shared_models(
    data: ActivityData, init: str, seed: int, folder: Path, origin: dict, workers: int, dask: str | None
) -> dict[int, Checkpoint]:
    """Each user's shared model, trained on everybody else; kept beside the sweeps, since other splits use them too."""
    recipe = {**origin, "dataset": data.card.name, "init": init, "seed": seed}
    short = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:8]
    here = folder / f"shared-{data.card.name}-{init}-{seed}-{short}"
    work_folder(here, recipe)
    users = [int(user) for user in data.user_ids]
    jobs = {f"user-{user}": (_shared_model, (data, user, init, seed)) for user in users}
    paths = compute_missing(
        jobs, here, _write_model, suffix=".npz", description="shared models", workers=workers, dask=dask
    )
    return {user: _read_model(paths[f"user-{user}"]) for user in users}


def _shared_model(data: ActivityData, user: int, init: str, seed: int) -> dict[str, np.ndarray]:
    from pmt_helpers.activity.shared import train_shared

    shared = train_shared(data, user, seed, init=init, progress=False)
    scaler = {"mean": shared.scaler.mean, "scale": shared.scaler.scale}
    return {**vars(Weights.from_model(shared.model)), **scaler}


def _write_model(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read_model(path: Path) -> Checkpoint:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            weights = Weights(arrays["hidden"], arrays["output"], arrays["bias"], int(arrays["n_features"]))
            return Checkpoint(weights, Preprocessor(arrays["mean"], arrays["scale"]))
    except (EOFError, KeyError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise foreign_piece(path, str(error)) from None


def _write_rows(path: Path, rows: pd.DataFrame) -> None:
    write_rows(path, rows.drop(columns="seconds"))


def _libraries() -> dict[str, str]:
    return {name: version(name) for name in ("numpy", "keras", "jax", "numba")}


class Setting(NamedTuple):
    """One line of the comparison: a recipe, how it validates, and how weights start."""

    recipe: str
    validation: str
    init: str = "he"


PAPER, BETTER = Setting("paper", "random"), Setting("better", "grouped")


SETTINGS = (
    PAPER,
    Setting("paper", "grouped"),
    Setting("paper", "random", "literal"),
    BETTER,
)


def base_model_grid(
    data: ActivityData,
    settings: tuple[Setting, ...] = SETTINGS,
    seeds: tuple[int, ...] = (0,),
    users: tuple[int, ...] | None = None,
    workers: int = 2,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train without each person and test on all of that person's windows.

    Returns two tidy frames: a row for each setting, seed and user (n_test, accuracy, macro_recall, macro_f1,
    val_accuracy at the epoch kept, epochs run), and the confusion counts (setting, seed, user, actual, predicted,
    windows; zeros left out). Processes, not threads: each worker has its own Keras session.
    """
    ids = users if users is not None else tuple(int(u) for u in data.user_ids)
    jobs = [(setting, seed, user) for setting in settings for seed in seeds for user in ids]
    done = Parallel(n_jobs=workers, return_as="generator")(delayed(_one)(data, *job) for job in jobs)
    bar = tqdm(done, total=len(jobs), desc=f"base models, {data.card.name}", unit="model")
    rows, matrices = zip(*bar, strict=True)
    return pd.DataFrame(list(rows)), pd.concat(matrices, ignore_index=True)


def _one(data: ActivityData, setting: Setting, seed: int, user: int) -> tuple[dict, pd.DataFrame]:
    from pmt_helpers.activity.shared import train_shared

    shared = train_shared(
        data, user, seed, setting.recipe, init=setting.init, validation=setting.validation, progress=False
    )
    X, y = data.X[data.users == user], data.y[data.users == user]
    key = {**setting._asdict(), "seed": seed, "user": user}
    row = {
        **key,
        "n_test": len(y),
        **shared.scores(X, y),
        "val_accuracy": shared.val_accuracy,
        "epochs": len(shared.history),
    }
    counts = shared.confusion(X, y)
    actual, guess = np.nonzero(counts)
    cells = pd.DataFrame({**key, "actual": actual, "predicted": guess, "windows": counts[actual, guess]})
    return row, cells


def of_setting(grid: pd.DataFrame, setting: Setting, seed: int = 0) -> pd.DataFrame:
    """The rows of one setting and seed, of a grid of accuracies or of confusion counts."""
    chosen = grid["seed"] == seed
    for name, value in setting._asdict().items():
        chosen &= grid[name] == value
    return grid[chosen]


def confusion_matrix(cells: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Stored confusion counts as a matrix, rows actual; (n_classes, n_classes) int."""
    matrix = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(matrix, (cells["actual"].to_numpy(), cells["predicted"].to_numpy()), cells["windows"].to_numpy())
    return matrix


def validation_vs_test(grid: pd.DataFrame, recipe: str = "paper", init: str = "he") -> pd.DataFrame:
    """What each kind of validation split promised, and what the person left out got: split, what, accuracy, sd.

    Means and deviations are over people, each person's seeds averaged first.
    """
    rows = grid.query("recipe == @recipe and init == @init")
    names = {"random": "random windows", "grouped": "whole people"}
    table = []
    for kind, group in rows.groupby("validation", sort=False):
        of_person = group.groupby("user")[["val_accuracy", "accuracy"]].mean()
        for column, what in (("val_accuracy", "validation"), ("accuracy", "unseen person")):
            values = of_person[column]
            table.append({"split": names[str(kind)], "what": what, "accuracy": values.mean(), "sd": values.std()})
    return pd.DataFrame(table)
