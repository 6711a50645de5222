"""The paper's experiment: shared, local and personal models against the number of a person's samples (section III).

Notebook 02. One person's part (`user_curve`) needs that person's windows and the cloud's checkpoint, nothing else: it
could run at their home.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.evaluation import scores_of_many
from pmt_helpers.activity.mitigation import Mitigation, rehearsal_windows
from pmt_helpers.activity.online import EPOCHS, Task, train_many
from pmt_helpers.activity.personal import Person
from pmt_helpers.activity.splits import UserSplit, n_folds, split_user
from pmt_helpers.activity.weights import Checkpoint, Weights, Windows
from pmt_helpers.datasets.base import ActivityData

if TYPE_CHECKING:
    from pmt_helpers.activity.model import ActivityModel

Sizes = Sequence[int] | Literal["all"]

EPOCHS_SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class CurvePlan:
    """What is asked of every person: how their windows are split, how long is trained, from which weights.

    sizes: numbers of training windows, or "all" from 1 on; a person who has fewer takes no part in the larger ones.
    early_stopping: at home, by online.PATIENCE.
    """

    sizes: Sizes = (5, 10, 20, 40)
    folds: int = 5
    split: str = "blocked"
    early_stopping: bool = True
    init: str = "he"
    seed: int = 0
    epochs: int = EPOCHS


def learning_curve(
    data: ActivityData, users: Sequence[int] | None = None, sizes: Sizes = (5, 10, 20, 40), folds: int = 5,
    split: str = "blocked", early_stopping: bool = True, init: str = "he", seed: int = 0,
    *, epochs: int = EPOCHS, shared: "Mapping[int, ActivityModel] | None" = None,
    cures: Mapping[str, Mitigation] | None = None, threads: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """Shared, local and personal accuracy of each user, fold and number of samples, as in Figure 3 of the paper.

    Parameters
    ----------
    sizes, folds, split, early_stopping, init, epochs: see CurvePlan and split_user.
    shared: models by user; by default each user's is trained on everybody else.
    cures: more strategies to personalise, by name.

    Returns one row per user, fold, model and n_samples: accuracy, macro_recall, macro_f1 and n_test on that fold's test
    windows, the training windows of each class (n_CLASS), epochs run, seconds of training, and the user's group.
    Raises ValueError for an unknown split, init or user.
    """
    from pmt_helpers.activity.shared import train_shared

    plan = CurvePlan(sizes, folds, split, early_stopping, init, seed, epochs)
    mitigations = dict(cures or {})
    ids = [int(user) for user in (data.user_ids if users is None else users)]
    if shared is not None and (missing := set(ids) - set(shared)):
        raise ValueError(f"shared has no model for users {sorted(missing)}")
    curves = []
    for user in tqdm(ids, desc="learning curves", unit="person", leave=False):
        model = train_shared(data, user, seed, init=init) if shared is None else shared[user]
        rehearsal = rehearsal_for(mitigations, data, user, seed)
        checkpoint = Checkpoint(Weights.from_model(model.model), model.scaler, rehearsal)
        curves.append(user_curve(data, user, checkpoint, plan, mitigations, threads))
    table = pd.concat(curves, ignore_index=True)
    return table.assign(group=data.card.groups(table["user"]))


def rehearsal_for(mitigations: Mapping[str, Mitigation], data: ActivityData, user: int, seed: int) -> Windows | None:
    """As many windows of other people as the mitigations rehearse; None when none does."""
    most = max((mitigation.rehearsal for mitigation in mitigations.values()), default=0)
    return rehearsal_windows(data, user, most, seed) if most else None


def user_curve(
    data: ActivityData, user: int, checkpoint: Checkpoint, plan: CurvePlan, mitigations: Mapping[str, Mitigation],
    threads: int = 1, models: Sequence[str] = ("local", "personal"),
) -> pd.DataFrame:  # fmt: skip
    """The rows of one user; `data` may hold that user's windows alone. models: trained beside the mitigations.

    Folds with nothing to test on (fewer bouts than folds), nothing to stop by or too few windows to train on give no
    rows.
    """
    tables = []
    for fold in range(n_folds(plan.split, plan.folds)):
        split = split_user(data, user, plan.split, fold, plan.folds, plan.seed)
        wanted = range(1, len(split.train) + 1) if plan.sizes == "all" else plan.sizes
        sizes = [int(size) for size in wanted if size <= len(split.train)]
        chosen = len(split.validation) or not plan.early_stopping
        if sizes and chosen and len(split.test):
            tables.append(_fold_curve(data, split, sizes, checkpoint, plan, mitigations, threads, models))
    empty = pd.DataFrame(columns=["user", "fold", "model", "n_samples", "seconds"])
    return pd.concat(tables, ignore_index=True) if tables else empty


def _fold_curve(
    data: ActivityData, split: UserSplit, sizes: Sequence[int], checkpoint: Checkpoint, plan: CurvePlan,
    mitigations: Mapping[str, Mitigation], threads: int, models: Sequence[str],
) -> pd.DataFrame:  # fmt: skip
    user, fold = split.user, split.fold
    inputs, y, n_classes = checkpoint.windows(data.X), data.y, len(data.class_names)
    test, truth = inputs[split.test], y[split.test]

    def task(start: Weights, size: int, rehearsal: Windows | None) -> Task:
        rows = split.first(size)
        X, labels = inputs[rows.train], y[rows.train]
        if rehearsal is not None:
            X, labels = np.concatenate([X, rehearsal[0]]), np.concatenate([labels, rehearsal[1]])
        validation = (inputs[rows.validation], y[rows.validation]) if plan.early_stopping else None
        return Task(start, X, labels, validation, seed=(plan.seed, user, fold, size))

    def scored(model: str, predicted: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"model": model, **scores_of_many(truth, predicted), "n_test": len(truth)})

    rng = np.random.default_rng([plan.seed, user, fold])
    n_hidden = checkpoint.weights.hidden.shape[1]
    from_scratch = Weights.initial(checkpoint.weights.n_features, n_classes, plan.init, rng, n_hidden)
    unchanged = np.repeat(checkpoint.weights.predict(test)[None], len(sizes), axis=0)
    frames = [scored("shared", unchanged).assign(epochs=0, seconds=0.0, n_samples=sizes)]
    strategies = {**dict.fromkeys(models, Mitigation()), **mitigations}
    for name, strategy in strategies.items():
        start = from_scratch if name == "local" else checkpoint.weights
        rehearsal = checkpoint.rehearsal_batch(strategy.rehearsal)
        tasks = [task(start, size, rehearsal) for size in sizes]
        trained = train_many(tasks, epochs=plan.epochs, layers=strategy.layers, l2_sp=strategy.l2_sp, threads=threads)
        results = [(result.weights.predict(test), result.epochs, result.seconds) for result in trained]
        predicted, epochs, seconds = zip(*results, strict=True)
        frames.append(scored(name, np.stack(predicted)).assign(epochs=epochs, seconds=seconds, n_samples=sizes))
    table = pd.concat(frames, ignore_index=True)
    per_class = np.array([np.bincount(y[split.train[:size]], minlength=n_classes) for size in sizes])
    for label, name in enumerate(data.class_names):
        table[f"n_{name}"] = np.tile(per_class[:, label], len(frames))
    for place, (column, values) in enumerate({"user": user, "fold": fold}.items()):
        table.insert(place, column, values)
    table.insert(3, "n_samples", table.pop("n_samples"))
    return table


def accuracy_by_epoch(
    shared: "ActivityModel", person: Person, sizes: Sequence[int], epochs: Sequence[int] = EPOCHS_SHOWN, seed: int = 0
) -> pd.DataFrame:
    """Test accuracy of the three models after some numbers of epochs, for several numbers of training samples.

    The test windows are only observed: nothing stops or is chosen by them. Returns epoch, model, n_samples, accuracy
    and loss (the test windows' cross-entropy), one row for each of `epochs`, sizes and models.
    """
    start = Weights.from_model(shared.model)
    X_test, y_test = person.test
    observed = start.inputs(shared.scaler.transform(X_test)), y_test
    init = shared.card.get("init", "he")
    rng = np.random.default_rng([seed, 1])
    from_scratch = Weights.initial(start.n_features, len(start.bias), init, rng, start.hidden.shape[1])
    tables = []
    for model, weights in (("local", from_scratch), ("personal", start)):
        tasks = []
        for size in sizes:
            X, y = person.train(size)
            tasks.append(Task(weights, start.inputs(shared.scaler.transform(X)), y, observed, seed))
        # patience as long as the training: the observed windows stop nothing
        for size, trained in zip(sizes, train_many(tasks, epochs=max(epochs), patience=EPOCHS), strict=True):
            history = trained.history_frame().set_index("epoch").loc[list(epochs), ["val_accuracy", "val_loss"]]
            table = history.set_axis(["accuracy", "loss"], axis=1).reset_index()
            tables.append(table.assign(model=model, n_samples=size))
    unchanged = shared.accuracy(X_test, y_test)
    flat = [{"epoch": e, "model": "shared", "n_samples": size, "accuracy": unchanged} for e in epochs for size in sizes]
    return pd.concat([pd.DataFrame(flat), *tables], ignore_index=True)
