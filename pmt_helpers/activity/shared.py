"""Training the shared model on volunteers, without the person it is meant for (section III). Notebook 01, step 4."""

from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from pmt_helpers.activity.metrics import confusion_counts, scores
from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.preprocessing import Preprocessor
from pmt_helpers.activity.splits import grouped_validation, random_validation
from pmt_helpers.activity.training import ShowProgress, early_stopping, history_frame, kept_epoch, trainable_view
from pmt_helpers.datasets.activity_data import ActivityData


@dataclass(frozen=True)
class ActivityModel:
    """A trained network with the scaler it needs; takes raw features, NaN for missing.

    `history` has a row an epoch (epoch, loss, accuracy, val_loss, val_accuracy); `card` says how it was trained.
    """

    model: keras.Model
    scaler: Preprocessor
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    card: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n_windows, n_features) raw features to (n_windows, n_classes) probabilities, float32."""
        return np.asarray(self.model(self.scaler.transform(X), training=False))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likeliest class of each window; (n_windows,) int."""
        return self.predict_proba(X).argmax(1)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Share of windows predicted right."""
        return self.scores(X, y)["accuracy"]

    def scores(self, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Accuracy, macro recall and macro F1."""
        return scores(y, self.predict(X))

    @property
    def val_accuracy(self) -> float:
        """What validation promised: accuracy on the validation windows, at the epoch that was kept."""
        return float(kept_epoch(self.history, self.card["monitor"])["val_accuracy"])

    def confusion(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Windows of each true class (row) given each predicted class; (n_classes, n_classes) int."""
        return confusion_counts(y, self.predict(X), len(self.class_names))


@dataclass(frozen=True)
class Recipe:
    """How a shared model is trained; `batch_size` None means the full batch."""

    optimizer: str
    learning_rate: float
    batch_size: int | None
    epochs: int
    patience: int
    dropout: float
    validation: str  # "random" windows or "grouped" by user
    monitor: str = "val_loss"  # what early stopping watches, or "val_accuracy"
    refit: bool = False  # once validation has said how long, train that long on everybody, validators too


# "better": rates .001 and .003 and dropout 0 to .6 were compared on validation users of WISDM and watch, never on the
# person left out; dropout helps, and how much of it matters less than which people validate. On strangers the loss
# turns up within ten epochs, since the few very wrong answers grow more certain, while accuracy still improves: so it
# stops by accuracy, with more patience, as that is noisier.
RECIPES = {
    "paper": Recipe("sgd", 0.05, None, epochs=1000, patience=10, dropout=0.0, validation="random"),
    "better": Recipe(
        "adam",
        0.001,
        64,
        epochs=200,
        patience=30,
        dropout=0.4,
        validation="grouped",
        monitor="val_accuracy",
        refit=True,
    ),
}


def train_shared(
    data: ActivityData,
    exclude_user: int | None = None,
    seed: int = 0,
    recipe: str | Recipe = "paper",
    *,
    init: str = "he",
    progress: bool = True,
    **changes: Any,
) -> ActivityModel:
    """Train the shared model on everybody but `exclude_user`; the scaler, too, is fitted without that person.

    recipe: "paper" (full batch, SGD 0.05, up to 1,000 epochs, a random fifth of the windows validates), "better"
    (Adam, dropout, a fifth of the people validate) or a Recipe; `changes` replace single fields of it, for example
    validation="grouped". Early stopping keeps the weights of the best validation loss; "better" lets validation
    choose the number of epochs and then trains that long on everybody.
    Raises ValueError for an unknown recipe or user, or when nobody is left to train on.
    """
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise ValueError(f"unknown recipe {recipe!r}; choose one of {', '.join(RECIPES)}")
        name, plan = recipe, RECIPES[recipe]
    else:
        name, plan = "custom", recipe
    plan = replace(plan, **changes)
    if exclude_user is not None and exclude_user not in data.user_ids:
        raise ValueError(f"no user {exclude_user} in {data.card.name}; users are {', '.join(map(str, data.user_ids))}")
    volunteers = data.select(data.users != exclude_user) if exclude_user is not None else data

    validation = _validation_mask(volunteers, plan.validation, seed)
    start: dict[str, Any] = {"init": init, "seed": seed, "progress": progress}
    model, scaler, history = _fit(volunteers, ~validation, validation, plan, **start)
    if plan.refit:
        everybody = np.ones(len(validation), bool)
        as_long = replace(plan, epochs=int(kept_epoch(history, plan.monitor)["epoch"]))
        model, scaler, _ = _fit(volunteers, everybody, None, as_long, **start)
    card = {
        "dataset": data.card.name,
        "recipe": name,
        "init": init,
        "seed": seed,
        "exclude_user": exclude_user,
        "users": [int(u) for u in volunteers.user_ids],
        "n_train": int((~validation).sum()),
        "n_validation": int(validation.sum()),
        **vars(plan),
    }
    return ActivityModel(model, scaler, data.feature_names, data.class_names, history, card)


def _fit(
    data: ActivityData,
    train: np.ndarray,
    validation: np.ndarray | None,
    plan: Recipe,
    *,
    init: str,
    seed: int,
    progress: bool,
) -> tuple[keras.Model, Preprocessor, pd.DataFrame]:
    """Train a new network on the windows of one mask, watching those of another; without one, for all the epochs."""
    scaler = Preprocessor.fit(data.X[train])
    X, y = scaler.transform(data.X), data.y.astype(np.int32)  # newer JAX warns about every 64-bit label
    model = build_mlp(X.shape[1], len(data.class_names), init=init, dropout=plan.dropout, seed=seed)
    keras.utils.set_random_seed(seed)  # Keras shuffles batches with its own global generator
    optimizers = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}
    what = "training the shared model" if validation is not None else "training it again, on everybody"
    callbacks: list[keras.callbacks.Callback] = [ShowProgress(plan.epochs, what, progress)]
    watching: dict[str, Any] = {}
    if validation is not None:
        callbacks.append(early_stopping(plan.patience, plan.monitor))
        watching = {
            "validation_data": (X[validation], y[validation]),
            "validation_batch_size": int(validation.sum()),
        }
    fitted = trainable_view(model, optimizers[plan.optimizer](plan.learning_rate)).fit(
        X[train],
        y[train],
        batch_size=plan.batch_size or int(train.sum()),
        epochs=plan.epochs,
        callbacks=callbacks,
        verbose=0,
        **watching,
    )
    return model, scaler, history_frame(fitted)


def _validation_mask(data: ActivityData, kind: str, seed: int) -> np.ndarray:
    if kind == "grouped":
        return grouped_validation(data.users, 0.2, seed)
    if kind == "random":
        return random_validation(len(data.users), 0.2, seed)
    raise ValueError(f"unknown validation {kind!r}; choose random or grouped")
