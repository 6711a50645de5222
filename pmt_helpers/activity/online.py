"""Training at home, one window a step (paper, section III-B): compiled, and in plain NumPy. Notebook 02, step 2."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from pmt_helpers.activity.weights import Weights

LEARNING_RATE = 0.001
PATIENCE = 10
EPOCHS = 1000
HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy")

Seed = int | Sequence[int]


@dataclass(frozen=True, eq=False)
class Task:
    """One model to train: where it starts, what on, and the seed of its shuffling.

    X: rows as `Weights.inputs` makes them; y: class numbers; held: the same of windows that only tell when to stop.
    Without those, training goes on to the last epoch.
    """

    start: Weights
    X: np.ndarray
    y: np.ndarray
    held: tuple[np.ndarray, np.ndarray] | None = None
    seed: Seed = 0


@dataclass(frozen=True, eq=False)
class Trained:
    """What came out: the weights kept, the epoch they are of, a row of HISTORY for each epoch run, and wall seconds."""

    weights: Weights
    kept: int
    history: np.ndarray
    seconds: float

    @property
    def epochs(self) -> int:
        """Epochs run; with early stopping more than `kept`."""
        return len(self.history)

    def history_frame(self) -> pd.DataFrame:
        """The history as a table: epoch (from 1), loss, accuracy, and val_loss, val_accuracy where held out."""
        frame = pd.DataFrame(self.history, columns=list(HISTORY)).dropna(axis=1, how="all")
        frame.insert(0, "epoch", range(1, len(frame) + 1))
        return frame


def train_online(
    task: Task,
    *,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
    patience: int = PATIENCE,
    shuffle: bool = True,
    layers: str = "all",
    pull: float = 0.0,
    reference: bool = False,
) -> Trained:
    """Stochastic gradient descent with one window a step, and early stopping where windows are held out.

    layers: "all", or "output" to leave the hidden layer as it is. pull: strength of an L2 penalty on the distance from
    the start, applied once an epoch. shuffle: a new order each epoch. reference: in plain NumPy, a thousand times
    slower. The start is left as it was. The same seed gives the same weights, bit for bit.
    Raises ValueError for what cannot be learnt from, and FloatingPointError when the loss leaves the finite numbers.
    """
    n_classes = len(task.start.bias)
    X, y = _checked(task.X, task.y, task.start, "training")
    X_held, y_held = np.empty((0, X.shape[1]), np.float32), np.empty(0, np.int64)
    if task.held is not None:
        X_held, y_held = _checked(*task.held, task.start, "held-out")
    if layers not in ("all", "output"):
        raise ValueError(f'layers must be "all" or "output"; got {layers!r}')
    if epochs < 1 or patience < 1 or not learning_rate > 0 or pull < 0:
        raise ValueError(
            f"epochs and patience must be at least 1, learning_rate above 0, pull not below 0; got epochs={epochs}, "
            f"patience={patience}, learning_rate={learning_rate}, pull={pull}"
        )
    n_draws = (epochs, len(y)) if shuffle else (0, 0)
    draws = np.random.default_rng(task.seed).integers(0, 2**32, n_draws, dtype=np.uint32)
    back = 1.0 - (1.0 - learning_rate * pull) ** len(y) if learning_rate * pull < 1 else 1.0
    weights, history = task.start.copy(), np.full((epochs, len(HISTORY)), np.nan)
    flat = weights.hidden.reshape(-1), weights.output.reshape(-1), weights.bias
    windows = X, y, X_held, y_held
    rates = np.float32(learning_rate), patience, layers == "all", np.float32(back)
    loop = _loop(reference)
    started = time.perf_counter()
    n_run, kept = loop(*flat, *windows, epochs, draws, *rates, history)
    trained = Trained(weights, int(kept), history[:n_run], time.perf_counter() - started)
    if not (np.isfinite(trained.history[:, 0]).all() and np.isfinite(weights.hidden).all()):
        raise FloatingPointError(
            f"the loss left the finite numbers within {n_run} epochs (learning rate {learning_rate}, {n_classes} "
            "classes): use a smaller learning rate"
        )
    return trained


def train_many(tasks: Sequence[Task], *, threads: int = 1, **options: Any) -> Iterator[Trained]:
    """train_online for each task, in order, on `threads` cores: the compiled loop lets go of Python's lock.

    The result does not depend on the number of threads.
    """
    jobs = (delayed(train_online)(task, **options) for task in tasks)
    yield from Parallel(n_jobs=threads, prefer="threads", return_as="generator")(jobs)


def _checked(X: np.ndarray, y: np.ndarray, start: Weights, what: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = np.ascontiguousarray(X, np.float32), np.asarray(y)
    if len(y) == 0 or len(X) != len(y):
        raise ValueError(
            f"need at least one {what} window and one label for each; got {len(X)} windows, {len(y)} labels"
        )
    if X.ndim != 2 or X.shape[1] != len(start.hidden):
        raise ValueError(f"{what} windows must be rows of Weights.inputs, {len(start.hidden)} wide; got {X.shape}")
    if not np.isfinite(X).all():
        raise ValueError(f"{(~np.isfinite(X).all(axis=1)).sum()} of {len(X)} {what} windows hold NaN or infinity")
    unknown = np.setdiff1d(y, np.arange(len(start.bias)))
    if len(unknown):
        raise ValueError(f"{what} labels {unknown.tolist()} are not among the {len(start.bias)} classes of the network")
    return X, y.astype(np.int64)


def _loop(reference: bool) -> Any:
    if reference:
        return train_plainly
    from pmt_helpers.activity.online_kernel import compiled_loop

    return compiled_loop()


def train_plainly(
    hidden: np.ndarray,
    output: np.ndarray,
    bias: np.ndarray,
    X: np.ndarray,
    y: np.ndarray,
    X_held: np.ndarray,
    y_held: np.ndarray,
    epochs: int,
    draws: np.ndarray,
    rate: np.float32,
    patience: int,
    learn_hidden: bool,
    pull: np.float32,
    history: np.ndarray,
) -> tuple[int, int]:
    """What `online_kernel.train` computes, as one would write it down: the reference. Trains in place."""
    W, V = hidden.reshape(X.shape[1], -1), output.reshape(len(bias), -1)
    layers = W, V, bias
    start = [layer.copy() for layer in layers]
    best_weights, best, kept = start, np.inf, 0
    order = np.arange(len(y))
    for epoch in range(1, epochs + 1):
        if draws.size:
            _shuffle(order, draws[epoch - 1])
        seen = []
        for t in order:
            h, p = _forward(W, V, bias, X[t])
            seen.append((p, y[t]))
            error = rate * (np.exp(_log_softmax(p)) - (np.arange(len(bias)) == y[t]))
            change = np.where(h > 0, V.T @ error, 0)
            V -= np.outer(error, h)
            bias -= error
            if learn_hidden:
                W -= np.outer(X[t], change)
        history[epoch - 1, :2] = _loss_and_accuracy(seen)
        for layer, first in zip(layers, start, strict=True):
            layer += pull * (first - layer)
        if len(y_held):
            held, accuracy = _loss_and_accuracy(
                [(_forward(W, V, bias, x)[1], label) for x, label in zip(X_held, y_held, strict=True)]
            )
            history[epoch - 1, 2:] = held, accuracy
            if held < best:
                best, kept, best_weights = held, epoch, [layer.copy() for layer in layers]
            elif epoch - kept >= patience:
                break
    if not len(y_held):
        return epoch, epoch
    for layer, kept_layer in zip(layers, best_weights, strict=True):
        layer[:] = kept_layer
    return epoch, kept


def _forward(W: np.ndarray, V: np.ndarray, bias: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hidden activations, and the scores of the classes."""
    h = np.maximum(x @ W, 0)
    return h, V @ h + bias


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    above = scores - scores.max()
    return above - np.log(np.exp(above).sum())


def _loss_and_accuracy(seen: list[tuple[np.ndarray, int]]) -> tuple[float, float]:
    losses = [-_log_softmax(scores)[label] for scores, label in seen]
    return float(np.mean(losses)), float(np.mean([scores.argmax() == label for scores, label in seen]))


def _shuffle(order: np.ndarray, draws: np.ndarray) -> None:
    """Fisher and Yates, with a 32-bit draw for each place."""
    for i in range(len(order) - 1, 0, -1):
        j = int(draws[i]) * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
