"""The same training at home through Keras' own fit: the reference, a few hundred times slower. Notebook 02, step 2."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from pmt_helpers.activity.model import ActivityModel, build_mlp
from pmt_helpers.activity.online import LEARNING_RATE, Task, train_online
from pmt_helpers.activity.shared import trainable_view
from pmt_helpers.activity.weights import Weights


def train_with_keras(
    start: Weights,
    X: np.ndarray,
    y: np.ndarray,
    *,
    epochs: int,
    learning_rate: float = LEARNING_RATE,
    shuffle: bool = False,
    seed: int = 0,
) -> Weights:
    """SGD with one window a step through keras.Model.fit, the L2 penalty of the paper included.

    X: (n_windows, n_features) scaled features; y: (n_windows,) class numbers. Returns the new weights.
    """
    return keras_trainer(start, X, y, learning_rate=learning_rate, shuffle=shuffle, seed=seed)(epochs)


def keras_trainer(
    start: Weights,
    X: np.ndarray,
    y: np.ndarray,
    *,
    learning_rate: float = LEARNING_RATE,
    shuffle: bool = False,
    seed: int = 0,
) -> Callable[[int], Weights]:
    """A function that trains for so many epochs, each time from the start, with one and the same Keras model.

    JAX compiles a model the first time that it is fitted: call the function once before you time it.
    """
    model = build_mlp(start.n_features, len(start.bias))
    view = trainable_view(model, keras.optimizers.SGD(learning_rate))
    windows, labels = np.asarray(X, np.float32), np.asarray(y, np.int32)  # newer JAX warns about every 64-bit label

    def train(epochs: int) -> Weights:
        start.put_into(model)
        keras.utils.set_random_seed(seed)
        view.fit(windows, labels, batch_size=1, epochs=epochs, shuffle=shuffle, verbose=0)
        return Weights.of(model)

    return train


@dataclass(frozen=True)
class SideBySide:
    """The same training twice. seconds: wall clock, ours and Keras'; largest_difference: of any weight."""

    ours_seconds: float
    keras_seconds: float
    largest_difference: float


def side_by_side(shared: ActivityModel, X_user: np.ndarray, y_user: np.ndarray, epochs: int) -> SideBySide:
    """Personalise with the compiled loop and with Keras' fit: the same windows and order, all compiled before."""
    start, X, y = Weights.of(shared.model), shared.scaler.transform(X_user), np.asarray(y_user)
    task = Task(start, start.inputs(X), y)
    train_online(task, epochs=1, shuffle=False)
    with_keras = keras_trainer(start, X, y)
    with_keras(1)
    marks = [time.perf_counter()]
    ours = train_online(task, epochs=epochs, shuffle=False).weights
    marks.append(time.perf_counter())
    theirs = with_keras(epochs)
    marks.append(time.perf_counter())
    pairs = ((ours.hidden, theirs.hidden), (ours.output, theirs.output), (ours.bias, theirs.bias))
    difference = max(float(np.abs(a - b).max()) for a, b in pairs)
    return SideBySide(marks[1] - marks[0], marks[2] - marks[1], difference)
