"""The same training, at home and in the cloud, through Keras' own fit: the references. Notebook 02."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from pmt_helpers.activity.model import MONITORS, ActivityModel, Recipe, build_mlp
from pmt_helpers.activity.online import LEARNING_RATE, Task, train_online
from pmt_helpers.activity.shared_loop import OPTIMIZERS
from pmt_helpers.activity.weights import Weights, Windows


def logits_model(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """The same network (the same weights) up to the logits, compiled: fitting it trains `model`.

    Keras clips probabilities at 1e-7, where the gradient ends: a network that starts very wrong, as with the literal
    init, would never learn. Cross-entropy on logits has no such edge.
    """
    logits = keras.Model(model.inputs, model.get_layer("activity").output, name="logits")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    logits.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return logits


def fit_with_keras(
    model: keras.Model, recipe: Recipe, train: Windows, validation: Windows | None, seed: int
) -> pd.DataFrame:
    """What shared_loop.fit_compiled does, by keras.fit and Keras' early stopping; several times slower."""
    keras.utils.set_random_seed(seed)  # Keras shuffles with NumPy's global generator
    options: dict[str, Any] = {"batch_size": recipe.batch_size or len(train[1]), "epochs": recipe.epochs, "verbose": 0}
    if validation is not None:
        stop: dict[str, Any] = {"mode": MONITORS[recipe.monitor], "patience": recipe.patience}
        options["callbacks"] = [keras.callbacks.EarlyStopping(recipe.monitor, **stop, restore_best_weights=True)]
        options |= {"validation_data": validation, "validation_batch_size": len(validation[1])}
    fitted = logits_model(model, OPTIMIZERS[recipe.optimizer](recipe.learning_rate)).fit(*train, **options)
    frame = pd.DataFrame(fitted.history)
    frame.insert(0, "epoch", range(1, len(frame) + 1))
    return frame


def keras_trainer(start: Weights, X: np.ndarray, y: np.ndarray) -> Callable[[int], Weights]:
    """A function that trains for the given number of epochs, each time from the start, with one Keras model.

    SGD with one window per step, in the order given, the L2 penalty of the paper included. X: (n_windows, n_features)
    scaled features; y: (n_windows,) class numbers. JAX compiles a model the first time that it is fitted: call the
    function once before you time it.
    """
    model = build_mlp(start.n_features, len(start.bias), hidden_units=start.hidden.shape[1])
    logits = logits_model(model, keras.optimizers.SGD(LEARNING_RATE))
    X, y = np.asarray(X, np.float32), np.asarray(y, np.int32)  # newer JAX warns about every 64-bit label

    def train(epochs: int) -> Weights:
        start.to_model(model)
        logits.fit(X, y, batch_size=1, epochs=epochs, shuffle=False, verbose=0)
        return Weights.from_model(model)

    return train


@dataclass(frozen=True)
class KerasComparison:
    """The same training twice. seconds: wall clock, ours and Keras'; largest_difference: of any weight."""

    ours_seconds: float
    keras_seconds: float
    largest_difference: float


def compare_with_keras(shared: ActivityModel, X_user: np.ndarray, y_user: np.ndarray, epochs: int) -> KerasComparison:
    """Personalise with the compiled loop and with Keras' fit: the same windows and order, all compiled before."""
    start, X, y = Weights.from_model(shared.model), shared.scaler.transform(X_user), np.asarray(y_user)
    task = Task(start, start.inputs(X), y)
    train_online(task, epochs=1, shuffle=False)
    train_keras = keras_trainer(start, X, y)
    train_keras(1)
    started = time.perf_counter()
    ours = train_online(task, epochs=epochs, shuffle=False).weights
    ours_seconds = time.perf_counter() - started
    started = time.perf_counter()
    theirs = train_keras(epochs)
    keras_seconds = time.perf_counter() - started
    pairs = ((ours.hidden, theirs.hidden), (ours.output, theirs.output), (ours.bias, theirs.bias))
    difference = max(float(np.abs(a - b).max()) for a, b in pairs)
    return KerasComparison(ours_seconds, keras_seconds, difference)
