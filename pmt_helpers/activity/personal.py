"""Training at home: the personal model starts from the shared one, the local model from scratch (section III)."""

from dataclasses import replace

import numpy as np

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.online import PATIENCE, Seed, Task, Trained, train_online
from pmt_helpers.activity.person import Windows
from pmt_helpers.activity.shared import ActivityModel
from pmt_helpers.activity.weights import Weights


def personalise(
    shared: ActivityModel,
    X_user: np.ndarray,
    y_user: np.ndarray,
    *,
    validation: Windows | None = None,
    epochs: int = 300,
    seed: Seed = 0,
    layers: str = "all",
    pull: float = 0.0,
    rehearsal: Windows | None = None,
) -> ActivityModel:
    """Retrain the shared model on one person's windows, one window a step, learning rate 0.001 (section III-B).

    X_user: (n_windows, n_features) raw features; y_user: (n_windows,). With `validation` windows training stops when
    their loss has not improved for ten epochs. Against forgetting: layers="output" leaves the hidden layer alone,
    `pull` holds the weights near the shared ones (L2), `rehearsal` windows are trained on beside the person's own.
    The shared model is left as it was. Raises ValueError for windows it cannot learn from.
    """
    X, y = _with_labels(X_user, y_user, shared)
    if rehearsal is not None:
        X_more, y_more = _with_labels(*rehearsal, shared)
        X, y = np.concatenate([X, X_more]), np.concatenate([y, y_more])
    start = Weights.of(shared.model)
    return _train_at_home("personal", start, X, y, shared, validation, epochs, seed, layers, pull)


def train_local(
    shared: ActivityModel,
    X_user: np.ndarray,
    y_user: np.ndarray,
    *,
    validation: Windows | None = None,
    epochs: int = 300,
    seed: int = 0,
) -> ActivityModel:
    """The same training from random weights: what a person's data can do alone.

    Only the architecture, the class list and the feature scale come from `shared`, so that the two differ in nothing
    but the start.
    """
    X, y = _with_labels(X_user, y_user, shared)
    init = shared.card.get("init", "he")
    rng = np.random.default_rng([seed, 1])  # not the stream that shuffles
    start = Weights.initial(len(shared.feature_names), len(shared.class_names), init, rng)
    return _train_at_home("local", start, X, y, shared, validation, epochs, seed)


def _train_at_home(
    kind: str,
    start: Weights,
    X: np.ndarray,
    y: np.ndarray,
    shared: ActivityModel,
    validation: Windows | None,
    epochs: int,
    seed: Seed,
    layers: str = "all",
    pull: float = 0.0,
) -> ActivityModel:
    held = None
    if validation is not None:
        X_held, y_held = _with_labels(*validation, shared)
        held = start.inputs(X_held), y_held
    task = Task(start, start.inputs(X), y, held, seed)
    trained = train_online(task, epochs=epochs, layers=layers, pull=pull)
    return _as_model(trained, shared, kind, epochs, seed, len(y))


def _as_model(
    trained: Trained, shared: ActivityModel, kind: str, epochs: int, seed: Seed, n_samples: int
) -> ActivityModel:
    model = build_mlp(len(shared.feature_names), len(shared.class_names))
    trained.weights.put_into(model)
    at_home = {"kind": kind, "seed": seed, "n_samples": n_samples, "epochs": epochs, "patience": PATIENCE}
    card = {**shared.card, **at_home, "monitor": "val_loss"}
    return replace(shared, model=model, history=trained.history_frame(), card=card)


def _with_labels(X: np.ndarray, y: np.ndarray, shared: ActivityModel) -> tuple[np.ndarray, np.ndarray]:
    """Scaled windows and their labels. Raises ValueError where they do not fit the model or each other."""
    y = np.asarray(y)
    if len(y) == 0 or len(X) != len(y):
        raise ValueError(f"need at least one window and one label for each; got {len(X)} windows, {len(y)} labels")
    unknown = np.setdiff1d(y, np.arange(len(shared.class_names)))
    if len(unknown):
        raise ValueError(
            f"labels {unknown.tolist()} are not among the model's {len(shared.class_names)} classes "
            f"({', '.join(shared.class_names)})"
        )
    return shared.scaler.transform(X), y
