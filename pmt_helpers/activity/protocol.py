"""The paper's experiment: shared, local and personal models against the number of a person's samples (section III).

Notebook 02. One person's part (`user_curve`) needs that person's windows and what came from the cloud, nothing else:
it could run at their home.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.forgetting import Cure, rehearsal_windows
from pmt_helpers.activity.metrics import scores_of_many
from pmt_helpers.activity.online import EPOCHS, Task, Trained, train_many
from pmt_helpers.activity.person import Windows
from pmt_helpers.activity.preprocessing import Preprocessor
from pmt_helpers.activity.shared import ActivityModel, train_shared
from pmt_helpers.activity.splits import UserSplit, n_folds, split_user
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets.activity_data import ActivityData

Sizes = Sequence[int] | Literal["all"]
NO_ROWS = ["user", "fold", "model", "n_samples", "seconds"]  # the header of a curve that nobody's windows suffice for


@dataclass(frozen=True, eq=False)
class Download:
    """What a device gets from the cloud: the shared weights, their scaler, and windows to rehearse if a cure needs any.

    rehearsal: raw windows of volunteers, as forgetting.rehearsal_windows draws them.
    """

    weights: Weights
    scaler: Preprocessor
    rehearsal: Windows | None = None

    def windows(self, X: np.ndarray) -> np.ndarray:
        """Raw features as the network's inputs."""
        return self.weights.inputs(self.scaler.transform(X))

    def rehearsed(self, per_class: int) -> Windows | None:
        """The first windows of each class, as the network's inputs, and their labels; None for zero."""
        if per_class == 0:
            return None
        if self.rehearsal is None or np.bincount(self.rehearsal[1]).min() < per_class:
            raise ValueError(f"a cure rehearses {per_class} windows of each class, which the download does not hold")
        X, y = self.rehearsal
        rows = np.concatenate([np.flatnonzero(y == label)[:per_class] for label in np.unique(y)])
        return self.windows(X[rows]), y[rows]


@dataclass(frozen=True)
class Plan:
    """What is asked of every person: how their windows are split, how long is trained, from which weights.

    sizes: numbers of training windows, or "all" from 1 on; a person who has fewer takes no part in the larger ones.
    """

    sizes: Sizes = (5, 10, 20, 40)
    folds: int = 5
    split: str = "blocked"
    early_stopping: bool = True
    init: str = "he"
    seed: int = 0
    epochs: int = EPOCHS


def learning_curve(
    data: ActivityData,
    users: Sequence[int] | None = None,
    sizes: Sizes = (5, 10, 20, 40),
    folds: int = 5,
    split: str = "blocked",
    early_stopping: bool = True,
    init: str = "he",
    seed: int = 0,
    *,
    epochs: int = EPOCHS,
    shared: Mapping[int, ActivityModel] | None = None,
    cures: Mapping[str, Cure] | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Shared, local and personal accuracy of each user, fold and number of samples, as in Figure 3 of the paper.

    Each user's shared model is trained on everybody else (or taken from `shared`, by user); cures: more ways to
    personalise, by name. Returns a tidy frame with a row for each user, fold, model and n_samples: accuracy,
    macro_recall, macro_f1 and n_test on that fold's test windows, the training windows of each class (n_CLASS), epochs
    run and seconds of training. Raises ValueError for an unknown split, init or user.
    """
    plan = Plan(sizes, folds, split, early_stopping, init, seed, epochs)
    cures = dict(cures or {})
    ids = [int(user) for user in (data.user_ids if users is None else users)]
    curves = []
    for user in tqdm(ids, desc="learning curves", unit="person", leave=False):
        cloud = shared[user] if shared is not None else train_shared(data, user, seed, init=init)
        download = Download(Weights.of(cloud.model), cloud.scaler, rehearsal_for(cures, data, user, seed))
        curves.append(user_curve(data, user, download, plan, cures, threads))
    return pd.concat(curves, ignore_index=True)


def rehearsal_for(cures: Mapping[str, Cure], data: ActivityData, user: int, seed: int) -> Windows | None:
    """As many windows of other people as the cures rehearse; None when none does."""
    most = max((cure.rehearsal for cure in cures.values()), default=0)
    return rehearsal_windows(data, user, most, seed) if most else None


def user_curve(
    data: ActivityData, user: int, download: Download, plan: Plan, cures: Mapping[str, Cure], threads: int = 1
) -> pd.DataFrame:
    """The rows of one user; `data` may hold that user's windows alone.

    Folds with nothing to test on (fewer bouts than folds) or too few windows to train on give no rows.
    """
    ways = {"personal": Cure(), **cures}
    tables = []
    for fold in range(n_folds(plan.split, plan.folds)):
        split = split_user(data, user, plan.split, fold, plan.folds, plan.seed)
        asked = range(1, len(split.train) + 1) if plan.sizes == "all" else plan.sizes
        sizes = [int(size) for size in asked if size <= len(split.train)]
        if sizes and len(split.test):
            tables.append(_fold_curve(data, split, sizes, download, plan, ways, threads))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=NO_ROWS)


def _fold_curve(
    data: ActivityData,
    split: UserSplit,
    sizes: Sequence[int],
    download: Download,
    plan: Plan,
    ways: Mapping[str, Cure],
    threads: int,
) -> pd.DataFrame:
    user, fold = split.user, split.fold
    inputs, y, n_classes = download.windows(data.X), data.y, len(data.class_names)

    def task(start: Weights, size: int, rehearsed: Windows | None) -> Task:
        rows = split.first(size)
        X, labels = inputs[rows.train], y[rows.train]
        if rehearsed is not None:
            X, labels = np.concatenate([X, rehearsed[0]]), np.concatenate([labels, rehearsed[1]])
        held = (inputs[rows.validation], y[rows.validation]) if plan.early_stopping else None
        return Task(start, X, labels, held, seed=(plan.seed, user, fold, size))

    def train(start: Weights, cure: Cure) -> Iterator[Trained]:
        rehearsed = download.rehearsed(cure.rehearsal)
        tasks = [task(start, size, rehearsed) for size in sizes]
        return train_many(tasks, epochs=plan.epochs, layers=cure.layers, pull=cure.pull, threads=threads)

    rng = np.random.default_rng([plan.seed, user, fold])
    from_scratch = Weights.initial(download.weights.n_features, n_classes, plan.init, rng)
    models = {"local": train(from_scratch, Cure())} | {
        name: train(download.weights, cure) for name, cure in ways.items()
    }
    test, truth = inputs[split.test], y[split.test]
    unchanged = np.repeat(download.weights.predict(test)[None], len(sizes), axis=0)
    frames = [_scored("shared", unchanged, truth).assign(epochs=0, seconds=0.0, n_samples=sizes)]
    for name, trained in models.items():
        done = [(one.weights.predict(test), one.epochs, one.seconds) for one in trained]
        predicted, epochs, seconds = zip(*done, strict=True)
        scored = _scored(name, np.stack(predicted), truth)
        frames.append(scored.assign(epochs=epochs, seconds=seconds, n_samples=sizes))
    table = pd.concat(frames, ignore_index=True)
    shown = np.array([np.bincount(y[split.train[:size]], minlength=n_classes) for size in sizes])
    for label, name in enumerate(data.class_names):
        table[f"n_{name}"] = np.tile(shown[:, label], len(frames))
    for place, (column, values) in enumerate({"user": user, "fold": fold}.items()):
        table.insert(place, column, values)
    table.insert(3, "n_samples", table.pop("n_samples"))
    return table


def _scored(model: str, predicted: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """A row for each of (n_models, n_test) predictions."""
    return pd.DataFrame({"model": model, **scores_of_many(truth, predicted), "n_test": len(truth)})
