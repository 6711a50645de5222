"""The stored base-model results: every person in turn left out, every recipe and seed. Notebook 01, steps 5 and 6."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from pmt_helpers.datasets.activity_data import ActivityData


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
    from pmt_helpers.activity.shared import train_shared  # in the worker: the parent need not load Keras

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


def promise_and_truth(grid: pd.DataFrame, recipe: str = "paper", init: str = "he") -> pd.DataFrame:
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
