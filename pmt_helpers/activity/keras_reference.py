"""The same training at home through Keras' own fit: the reference, a few hundred times slower. Notebook 02, step 2."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from pmt_helpers.activity.model import ActivityModel, build_mlp
from pmt_helpers.activity.online import LEARNING_RATE, Task, train_online
from pmt_helpers.activity.shared import logits_model
from pmt_helpers.activity.weights import Weights


def keras_trainer(start: Weights, X: np.ndarray, y: np.ndarray) -> Callable[[int], Weights]:
    """A function that trains for the given number of epochs, each time from the start, with one Keras model.

    SGD with one window per step, in the order given, the L2 penalty of the paper included. X: (n_windows, n_features)
    scaled features; y: (n_windows,) class numbers. JAX compiles a model the first time that it is fitted: call the
    function once before you time it.
    """
    model = build_mlp(start.n_features, len(start.bias))
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
