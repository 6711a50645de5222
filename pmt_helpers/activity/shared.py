"""Training the shared model on volunteers, without the person it is meant for (section III). Notebook 01."""

from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.model import ActivityModel, Recipe, best_epoch, build_mlp
from pmt_helpers.activity.online import LEARNING_RATE, Task, train_online
from pmt_helpers.activity.splits import grouped_validation, random_validation
from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights
from pmt_helpers.datasets.base import ActivityData

if TYPE_CHECKING:
    import keras


# "better": rates .001 and .003 and dropout 0 to .6 were compared on validation users of WISDM and watch, never on the
# person left out; dropout helps, and how much of it matters less than which people validate. On unseen people the loss
# turns up within ten epochs, since the few very wrong answers grow more certain, while accuracy still improves: so it
# stops by accuracy, with more patience, as that is noisier.
RECIPES = {
    "paper": Recipe("sgd", 0.05, None, epochs=1000, patience=10, dropout=0.0, validation="random"),
    "better": Recipe(
        "adam", 1e-3, 64, epochs=200, patience=30, dropout=0.4, validation="grouped", monitor="val_accuracy", refit=True
    ),
}


def train_shared(
    data: ActivityData, exclude_user: int | None = None, seed: int = 0, recipe: str | Recipe = "paper",
    *, init: str = "he", progress: bool = True, **changes: Any,
) -> ActivityModel:  # fmt: skip
    """Train the shared model on everybody but `exclude_user`; the scaler, too, is fitted without that person.

    Parameters
    ----------
    recipe: "paper" (full batch, SGD 0.05, up to 1,000 epochs, a random fifth of the windows validates), "better" (Adam,
        dropout, a fifth of the people validate) or a Recipe. Early stopping keeps the weights of the best validation
        loss; "better" lets validation choose the number of epochs and then trains that long on everybody.
    init: initial weights, "he" or "literal"; see build_mlp.
    changes: replace single fields of the recipe, for example validation="grouped".

    Raises ValueError for an unknown recipe or user, or when nobody is left to train on.
    """
    if isinstance(recipe, str) and recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; choose one of {', '.join(RECIPES)}")
    name, recipe = (recipe, RECIPES[recipe]) if isinstance(recipe, str) else ("custom", recipe)
    recipe = replace(recipe, **changes)
    volunteers = data.select(data.rows_without(exclude_user))
    grouped = recipe.validation == "grouped"
    validation = (
        grouped_validation(volunteers.users, seed=seed) if grouped else random_validation(len(volunteers), seed=seed)
    )
    options: dict[str, Any] = {"init": init, "seed": seed, "progress": progress}
    model, scaler, history = _fit(volunteers, ~validation, validation, recipe, **options)
    if recipe.refit:
        everybody = np.ones(len(validation), bool)
        as_long = replace(recipe, epochs=int(best_epoch(history, recipe.monitor)["epoch"]))
        model, scaler, _ = _fit(volunteers, everybody, None, as_long, **options)
    card = {
        "dataset": data.card.name, "recipe": name, "init": init, "seed": seed, "exclude_user": exclude_user,
        "users": [int(u) for u in volunteers.user_ids], "n_train": int((~validation).sum()),
        "n_validation": int(validation.sum()), **vars(recipe),
    }  # fmt: skip
    return ActivityModel(model, scaler, data.feature_names, data.class_names, history, card)


def _fit(
    data: ActivityData, train: np.ndarray, validation: np.ndarray | None, recipe: Recipe,
    *, init: str, seed: int, progress: bool,
) -> tuple["keras.Model", Preprocessor, pd.DataFrame]:  # fmt: skip
    """Train a new network on the windows of one mask, watching those of another; without one, for all the epochs."""
    what = "training the shared model" if validation is not None else "training it again, on everybody"
    with tqdm(total=recipe.epochs, desc=what, unit="epoch", leave=False, disable=not progress) as bar:
        from pmt_helpers.activity.shared_loop import fit_compiled  # Keras and JAX: seconds, with the bar in sight

        scaler = Preprocessor.fit(data.X[train])
        X, y = scaler.transform(data.X), data.y.astype(np.int32)  # newer JAX warns about every 64-bit label
        model = build_mlp(X.shape[1], len(data.class_names), init=init, dropout=recipe.dropout, seed=seed)
        held_out = (X[validation], y[validation]) if validation is not None else None
        history = fit_compiled(model, recipe, (X[train], y[train]), held_out, seed, bar)
        bar.total = bar.n  # stopping early is no failure: a bar that is not full would stay, in red
    return model, scaler, history


# Learning rate times epochs of the paper's recipe, whose early stopping never ends one of these trainings. Many small
# steps that add up to the same length lead to nearly the same weights.
TOTAL_STEP_LENGTH = RECIPES["paper"].learning_rate * RECIPES["paper"].epochs


def train_shared_fast(
    data: ActivityData, exclude_user: int | None = None, seed: int = 0, *, keep: np.ndarray | None = None
) -> Checkpoint:
    """Weights and scaler as train_shared(data, exclude_user, seed, "paper") would give them, nearly, and far sooner.

    For sweeps that train hundreds of clouds: 0.05 s each once compiled, where train_shared takes 1 to 3 s.
    keep: (n_windows,) bool, windows to train on, for a defence that leaves some out; the scaler is fitted on the same.
    Raises ValueError when no window is left, and for an unknown user.
    """
    rows = training_rows(data, exclude_user, seed)
    if keep is not None:
        keep = np.asarray(keep, bool)
        if keep.shape != (len(data),):
            raise ValueError(
                f"keep must say of each of the {len(data)} windows whether to train on it; got {keep.shape}"
            )
        rows = rows[keep[rows]]
    if len(rows) == 0:
        raise ValueError("no window is left to train the shared model on")
    start = Checkpoint(initial_weights(data, seed), Preprocessor.fit(data.X[rows]))
    task = Task(start.weights, start.windows(data.X[rows]), data.y[rows], seed=seed)
    trained = train_online(task, epochs=epochs_for(len(rows)))
    return replace(start, weights=trained.weights)


def epochs_for(n_windows: int, share: float = 1.0) -> int:
    """Passes over so many windows, one window per step, that go a share of TOTAL_STEP_LENGTH; at least one."""
    return max(1, round(share * TOTAL_STEP_LENGTH / (LEARNING_RATE * n_windows)))


def training_rows(data: ActivityData, exclude_user: int | None, seed: int) -> np.ndarray:
    """The rows of `data` that train_shared trains on: other people's, less the random fifth that validates."""
    rows = data.rows_without(exclude_user)
    return rows[~random_validation(len(rows), 0.2, seed)]


def initial_weights(data: ActivityData, seed: int) -> Weights:
    """The random start that train_shared takes for this seed."""
    return deepcopy(_start(len(data.feature_names), len(data.class_names), seed))


@lru_cache(maxsize=64)  # building a Keras model takes as long as training a small one
def _start(n_features: int, n_classes: int, seed: int) -> Weights:
    return Weights.from_model(build_mlp(n_features, n_classes, seed=seed))
