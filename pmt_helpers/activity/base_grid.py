"""The stored base-model results: every person in turn left out, every recipe and seed. Notebook 01, steps 5 and 6."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from pmt_helpers.activity.metrics import confusion_counts, scores
from pmt_helpers.datasets.activity_data import ActivityData


class Setting(NamedTuple):
    """One line of the comparison: a recipe, how it validates, and how weights start."""

    recipe: str
    validation: str
    init: str = "he"


SETTINGS = (
    Setting("paper", "random"),
    Setting("paper", "grouped"),
    Setting("paper", "random", "literal"),
    Setting("better", "random"),
    Setting("better", "grouped"),
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
    predicted = shared.predict(X)
    best = shared.history.loc[shared.history["val_loss"].idxmin()]
    key = {**setting._asdict(), "seed": seed, "user": user}
    row = {
        **key,
        "n_test": len(y),
        **scores(y, predicted),
        "val_accuracy": float(best["val_accuracy"]),
        "epochs": len(shared.history),
    }
    counts = confusion_counts(y, predicted, len(data.class_names))
    actual, guess = np.nonzero(counts)
    cells = pd.DataFrame({**key, "actual": actual, "predicted": guess, "windows": counts[actual, guess]})
    return row, cells
