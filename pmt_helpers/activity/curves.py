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

from pmt_helpers.activity.evaluation import scores_of_many
from pmt_helpers.activity.mitigation import Cure, rehearsal_windows
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.online import EPOCHS, Task, Trained, train_many
from pmt_helpers.activity.personal import Person
from pmt_helpers.activity.shared import train_shared
from pmt_helpers.activity.splits import UserSplit, n_folds, split_user
from pmt_helpers.activity.weights import Download, Weights, Windows
from pmt_helpers.datasets.base import ActivityData

Sizes = Sequence[int] | Literal["all"]


NO_ROWS = ["user", "fold", "model", "n_samples", "seconds"]  # the header of a curve that nobody's windows suffice for


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


MARKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def accuracy_by_epoch(
    shared: ActivityModel, person: Person, sizes: Sequence[int], marks: Sequence[int] = MARKS, seed: int = 0
) -> pd.DataFrame:
    """Test accuracy of the three models after some epochs, for several numbers of training samples.

    The test windows are only looked at: nothing stops or is chosen by them. Returns epoch, model, n_samples, accuracy
    and loss (the test windows' cross-entropy), a row for each of `marks`, sizes and models.
    """
    start = Weights.of(shared.model)
    X_test, y_test = person.test
    watched = start.inputs(shared.scaler.transform(X_test)), y_test
    init = shared.card.get("init", "he")
    scratch = Weights.initial(start.n_features, len(start.bias), init, np.random.default_rng([seed, 1]))
    rows = []
    for model, weights in (("local", scratch), ("personal", start)):
        tasks = []
        for size in sizes:
            X, y = person.train(size)
            tasks.append(Task(weights, start.inputs(shared.scaler.transform(X)), y, watched, seed))
        # patience as long as the training: the watched windows stop nothing
        for size, trained in zip(sizes, train_many(tasks, epochs=max(marks), patience=EPOCHS), strict=True):
            history = trained.history_frame().set_index("epoch").loc[list(marks), ["val_accuracy", "val_loss"]]
            found = history.set_axis(["accuracy", "loss"], axis=1).reset_index()
            rows.append(found.assign(model=model, n_samples=size))
    unchanged = shared.accuracy(X_test, y_test)
    flat = [{"epoch": e, "model": "shared", "n_samples": size, "accuracy": unchanged} for e in marks for size in sizes]
    return pd.concat([pd.DataFrame(flat), *rows], ignore_index=True)
