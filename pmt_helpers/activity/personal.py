"""Training at home: the personal model starts from the shared one, the local model from scratch (section III)."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pmt_helpers.activity.online import PATIENCE, Seed, Task, train_online
from pmt_helpers.activity.splits import UserSplit, split_user
from pmt_helpers.activity.weights import Checkpoint, Weights, Windows
from pmt_helpers.datasets.base import ActivityData

if TYPE_CHECKING:
    from pmt_helpers.activity.model import ActivityModel


@dataclass(frozen=True)
class Person:
    """The windows of one user; `train(n)` and `validation(n)` are those labelled after n training windows."""

    data: ActivityData
    split: UserSplit

    @classmethod
    def of(cls, data: ActivityData, user: int, kind: str = "blocked", fold: int = 0, seed: int = 0) -> "Person":
        """Split a user of `data`; see split_user for the kinds."""
        return cls(data, split_user(data, user, kind, fold, seed=seed))

    def train(self, n_samples: int) -> Windows:
        """The first `n_samples` labelled windows."""
        return self._windows(self.split.first(n_samples).train)

    def validation(self, n_samples: int) -> Windows:
        """The windows held out for early stopping while the first `n_samples` train: as many, if there are."""
        return self._windows(self.split.first(n_samples).validation)

    @property
    def test(self) -> Windows:
        """The windows that no model trains on."""
        return self._windows(self.split.test)

    @property
    def all(self) -> Windows:
        """Every window of this person: for testing a shared model, which has seen none of them."""
        return self._windows(np.flatnonzero(self.data.users == self.split.user))

    def compare(self, **models: "ActivityModel") -> pd.DataFrame:
        """Each named model on the test windows: model, accuracy, lower, upper (a 95% interval), n_test."""
        from pmt_helpers.activity.evaluation import accuracy_interval

        X, y = self.test
        rows = []
        for name, model in models.items():
            n_right = int((model.predict(X) == y).sum())
            lower, upper = accuracy_interval(n_right, len(y))
            rows.append({"model": name, "accuracy": n_right / len(y), "lower": lower, "upper": upper, "n_test": len(y)})
        return pd.DataFrame(rows)

    def _windows(self, rows: np.ndarray) -> Windows:
        return self.data.X[rows], self.data.y[rows]


def personalise(
    shared: "ActivityModel", X_user: np.ndarray, y_user: np.ndarray,
    *, validation: Windows | None = None, epochs: int = 300, seed: Seed = 0, layers: str = "all", pull: float = 0.0,
    rehearsal: Windows | None = None, start: Checkpoint | None = None,
) -> "ActivityModel":  # fmt: skip
    """Retrain the shared model on one person's windows, one window per step, learning rate 0.001 (section III-B).

    The shared model is left as it was.

    Parameters
    ----------
    X_user, y_user: (n_windows, n_features) raw features, (n_windows,) class numbers.
    validation: windows for early stopping; training ends when their loss has not improved for ten epochs.
    layers: against forgetting, "output" leaves the hidden layer as it is.
    pull: against forgetting, strength of an L2 penalty on the distance from the shared weights (L2-SP).
    rehearsal: against forgetting, windows of volunteers that are trained on beside the person's own.
    start: other weights to begin with, such as the average of similar people's models.

    Raises ValueError for windows that nothing can be learnt from.
    """
    X, y = _check_labelled(X_user, y_user, shared)
    if rehearsal is not None:
        X_more, y_more = _check_labelled(*rehearsal, shared, "rehearsal")
        X, y = np.concatenate([X, X_more]), np.concatenate([y, y_more])
    if start is not None and not np.array_equal(start.scaler.mean, shared.scaler.mean):
        raise ValueError("start has another scaler than shared; take models that were retrained from this shared model")
    weights = Checkpoint.from_model(start or shared).weights
    return _train_at_home("personal", weights, X, y, shared, validation, epochs, seed, layers, pull)


def train_local(
    shared: "ActivityModel", X_user: np.ndarray, y_user: np.ndarray,
    *, validation: Windows | None = None, epochs: int = 300, seed: int = 0,
) -> "ActivityModel":  # fmt: skip
    """The same training from random weights: what a person's data can do alone.

    Only the architecture, the class list and the feature scale come from `shared`, so that the two differ in nothing
    but the start. Parameters and errors as in personalise.
    """
    X, y = _check_labelled(X_user, y_user, shared)
    init = shared.card.get("init", "he")
    rng = np.random.default_rng([seed, 1])  # not the stream that shuffles
    n_hidden = Weights.from_model(shared.model).hidden.shape[1]
    start = Weights.initial(len(shared.feature_names), len(shared.class_names), init, rng, n_hidden)
    return _train_at_home("local", start, X, y, shared, validation, epochs, seed)


def _train_at_home(
    kind: str, start: Weights, X: np.ndarray, y: np.ndarray, shared: "ActivityModel", validation: Windows | None,
    epochs: int, seed: Seed, layers: str = "all", l2_sp: float = 0.0,
) -> "ActivityModel":  # fmt: skip
    from pmt_helpers.activity.model import build_mlp

    if validation is not None:
        X_val, y_val = _check_labelled(*validation, shared, "validation")
        validation = start.inputs(X_val), y_val
    task = Task(start, start.inputs(X), y, validation, seed)
    trained = train_online(task, epochs=epochs, layers=layers, l2_sp=l2_sp)
    model = build_mlp(len(shared.feature_names), len(shared.class_names), hidden_units=start.hidden.shape[1])
    trained.weights.to_model(model)
    at_home = {"kind": kind, "seed": seed, "n_samples": len(y), "epochs": epochs, "patience": PATIENCE}
    card = {**shared.card, **at_home, "monitor": "val_loss"}
    return replace(shared, model=model, history=trained.history_frame(), card=card)


def _check_labelled(X: np.ndarray, y: np.ndarray, shared: "ActivityModel", what: str = "X and y") -> Windows:
    """Scaled windows and their labels. Raises ValueError where they do not fit the model or each other."""
    y = np.asarray(y)
    if len(y) == 0 or len(X) != len(y):
        raise ValueError(
            f"{what} need at least one window and one label for each; got {len(X)} windows, {len(y)} labels"
        )
    unknown = np.setdiff1d(y, np.arange(len(shared.class_names)))
    if len(unknown):
        classes = f"{len(shared.class_names)} classes ({', '.join(shared.class_names)})"
        raise ValueError(f"{what}: labels y {unknown.tolist()} are not among the model's {classes}")
    try:
        return shared.scaler.transform(X), y
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
