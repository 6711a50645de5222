"""Training at home: the personal model starts from the shared one, the local model from scratch (section III)."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.person import Windows
from pmt_helpers.activity.shared import ActivityModel
from pmt_helpers.activity.training import ShowProgress, early_stopping, history_frame, trainable_view

LEARNING_RATE = 0.001
PATIENCE = 10


def personalise(
    shared: ActivityModel,
    X_user: np.ndarray,
    y_user: np.ndarray,
    *,
    validation: Windows | None = None,
    epochs: int = 300,
    seed: int = 0,
) -> ActivityModel:
    """Retrain the shared model on one person's windows, one window a step, learning rate 0.001 (section III-B).

    X_user: (n_windows, n_features) raw features; y_user: (n_windows,). With `validation` windows training stops when
    their loss stops improving. The shared model is left as it was. Raises ValueError for windows it cannot learn from.
    """
    model = _fresh(shared, seed)
    model.set_weights(shared.model.get_weights())
    return _train_at_home(model, "personal", shared, X_user, y_user, validation, epochs, seed)


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
    return _train_at_home(_fresh(shared, seed), "local", shared, X_user, y_user, validation, epochs, seed)


def _fresh(shared: ActivityModel, seed: int) -> keras.Model:
    return build_mlp(len(shared.feature_names), len(shared.class_names), init=shared.card.get("init", "he"), seed=seed)


def _train_at_home(
    model: keras.Model,
    kind: str,
    shared: ActivityModel,
    X_user: np.ndarray,
    y_user: np.ndarray,
    validation: Windows | None,
    epochs: int,
    seed: int,
) -> ActivityModel:
    X, y = shared.scaler.transform(X_user), _checked_labels(X_user, y_user, shared)
    keras.utils.set_random_seed(seed)
    options: dict[str, Any] = {"callbacks": [ShowProgress(epochs, f"training the {kind} model")]}
    if validation is not None:
        X_held, y_held = shared.scaler.transform(validation[0]), _checked_labels(*validation, shared)
        options["validation_data"], options["validation_batch_size"] = (X_held, y_held), len(y_held)
        options["callbacks"].append(early_stopping(PATIENCE))
    view = trainable_view(model, keras.optimizers.SGD(LEARNING_RATE))
    fitted = view.fit(X, y, batch_size=1, epochs=epochs, shuffle=True, verbose=0, **options)
    at_home = {"kind": kind, "seed": seed, "n_samples": len(y), "epochs": epochs, "patience": PATIENCE}
    card = {**shared.card, **at_home, "monitor": "val_loss"}
    return replace(shared, model=model, history=history_frame(fitted), card=card)


def _checked_labels(X: np.ndarray, y: np.ndarray, shared: ActivityModel) -> np.ndarray:
    y = np.asarray(y)
    if len(y) == 0 or len(X) != len(y):
        raise ValueError(f"need at least one window and one label for each; got {len(X)} windows, {len(y)} labels")
    unknown = np.setdiff1d(y, np.arange(len(shared.class_names)))
    if len(unknown):
        raise ValueError(
            f"labels {unknown.tolist()} are not among the model's {len(shared.class_names)} classes "
            f"({', '.join(shared.class_names)})"
        )
    return y.astype(np.int32)  # newer JAX warns about every 64-bit label
