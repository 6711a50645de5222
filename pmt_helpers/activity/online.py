"""Training at home, one window per step (paper, section III-B): compiled, and in plain NumPy. Notebook 02."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pmt_helpers.activity.weights import HIDDEN_UNITS, INPUT_BLOCK, Weights, Windows

if TYPE_CHECKING:
    import pandas as pd

LEARNING_RATE = 0.001
EPOCHS = 1000
PATIENCE = 10  # early stopping at home: epochs without a better validation loss (the cloud's: Recipe.patience)
HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy")

Seed = int | Sequence[int]


@dataclass(frozen=True, eq=False)
class Task:
    """One model to train: where it starts, what on, and the seed of its shuffling.

    X: rows as `Weights.inputs` makes them; y: class numbers; validation: the same of windows that only decide when to
    stop. Without those, training runs to the last epoch.
    """

    start: Weights
    X: np.ndarray
    y: np.ndarray
    validation: Windows | None = None
    seed: Seed = 0


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network: weights and number of its best epoch, one row of HISTORY per epoch run, and wall seconds."""

    weights: Weights
    best_epoch: int
    history: np.ndarray
    seconds: float

    @property
    def epochs(self) -> int:
        """Epochs run; with early stopping more than `best_epoch`."""
        return len(self.history)

    def history_frame(self) -> "pd.DataFrame":
        """The history as a table: epoch (from 1), loss, accuracy, and val_loss, val_accuracy where validated."""
        import pandas as pd  # 50 MB that training itself does without

        frame = pd.DataFrame(self.history, columns=list(HISTORY)).dropna(axis=1, how="all")
        frame.insert(0, "epoch", range(1, len(frame) + 1))
        return frame


def train_online(
    task: Task,
    *, epochs: int = EPOCHS, learning_rate: float = LEARNING_RATE, patience: int = PATIENCE, shuffle: bool = True,
    layers: str = "all", l2_sp: float = 0.0, reference: bool = False,
) -> Trained:  # fmt: skip
    """Stochastic gradient descent with one window per step, and early stopping if the task has validation windows.

    The start is left as it was. The same seed gives the same weights, bit for bit.

    Parameters
    ----------
    patience: epochs without a better validation loss after which training stops and goes back to the best epoch.
    shuffle: a new order in each epoch.
    layers: "all", or "output" to leave the hidden layer as it is.
    l2_sp: strength of an L2 penalty on the distance from the start (L2-SP, Li et al. 2018), applied once per epoch.
    reference: train in plain NumPy, a thousand times slower.

    Raises ValueError for windows, labels or settings that nothing can be learnt from, and FloatingPointError when the
    loss is no longer finite.
    """
    n_classes, n_hidden = len(task.start.bias), task.start.hidden.shape[1]
    width = -(-n_hidden // HIDDEN_UNITS) * HIDDEN_UNITS  # that the loop is compiled for
    X, y = _check_windows(task.X, task.y, task.start, "training")
    X_val, y_val = np.empty((0, X.shape[1]), np.float32), np.empty(0, np.int64)
    if task.validation is not None:
        X_val, y_val = _check_windows(*task.validation, task.start, "validation")
    if layers not in ("all", "output"):
        raise ValueError(f'layers must be "all" or "output"; got {layers!r}')
    if epochs < 1 or patience < 1 or not learning_rate > 0 or l2_sp < 0:
        raise ValueError(
            f"epochs and patience must be at least 1, learning_rate above 0, l2_sp not below 0; got epochs={epochs}, "
            f"patience={patience}, learning_rate={learning_rate}, l2_sp={l2_sp}"
        )
    n_draws = (epochs, len(y)) if shuffle else (0, 0)
    draws = np.random.default_rng(task.seed).integers(0, 2**32, n_draws, dtype=np.uint32)
    shrinkage = 1.0 - (1.0 - learning_rate * l2_sp) ** len(y) if learning_rate * l2_sp < 1 else 1.0
    weights, history = task.start.with_units(width), np.full((epochs, len(HISTORY)), np.nan)
    if reference:
        loop: Any = train_reference
    else:
        from pmt_helpers.activity.online_kernel import compiled_loop

        loop = compiled_loop(width)
    flat = weights.hidden.reshape(-1), weights.output.reshape(-1), weights.bias
    settings = np.float32(learning_rate), patience, layers == "all", np.float32(shrinkage)
    started = time.perf_counter()
    n_run, best_epoch = loop(*flat, X, y, X_val, y_val, epochs, draws, *settings, history)
    if width > n_hidden:
        weights = weights.with_units(n_hidden)
    trained = Trained(weights, int(best_epoch), history[:n_run], time.perf_counter() - started)
    if not (np.isfinite(trained.history[:, 0]).all() and np.isfinite(weights.hidden).all()):
        raise FloatingPointError(
            f"the loss was no longer finite within {n_run} epochs (learning rate {learning_rate}, {n_classes} "
            "classes): use a smaller learning rate"
        )
    return trained


def train_many(tasks: Sequence[Task], *, threads: int = 1, **options: Any) -> Iterator[Trained]:
    """train_online for each task, in order, on `threads` cores: the compiled loop releases the GIL.

    The result does not depend on the number of threads.
    """
    from joblib import Parallel, delayed

    jobs = (delayed(train_online)(task, **options) for task in tasks)
    yield from Parallel(n_jobs=threads, prefer="threads", return_as="generator")(jobs)


def _check_windows(X: np.ndarray, y: np.ndarray, start: Weights, what: str) -> Windows:
    hidden, output = start.hidden.shape, start.output.shape
    if hidden[0] % INPUT_BLOCK or output != (len(start.bias), hidden[1]):
        raise ValueError(
            f"these are no weights of one network: hidden {hidden}, output {output}, {len(start.bias)} biases"
        )
    X, y = np.ascontiguousarray(X, np.float32), np.asarray(y)
    if len(y) == 0 or len(X) != len(y):
        found = f"{len(X)} windows, {len(y)} labels"
        raise ValueError(f"need at least one {what} window and one label for each; got {found}")
    if X.ndim != 2 or X.shape[1] != len(start.hidden):
        raise ValueError(f"{what} windows must be rows of Weights.inputs, {len(start.hidden)} wide; got {X.shape}")
    finite = np.isfinite(X).all(axis=1)
    if not finite.all():
        raise ValueError(f"{(~finite).sum()} of {len(X)} {what} windows hold NaN or infinity")
    unknown = np.setdiff1d(y, np.arange(len(start.bias)))
    if len(unknown):
        raise ValueError(
            f"{what} labels y {unknown.tolist()} are not among the {len(start.bias)} classes of the network"
        )
    return X, y.astype(np.int64)


def train_reference(
    hidden: np.ndarray, output: np.ndarray, bias: np.ndarray, X: np.ndarray, y: np.ndarray, X_val: np.ndarray,
    y_val: np.ndarray, epochs: int, draws: np.ndarray, rate: np.float32, patience: int, learn_hidden: bool,
    shrinkage: np.float32, history: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """What `online_kernel.train` computes, as one would write it down: the reference. Trains in place."""
    W, V = hidden.reshape(X.shape[1], -1), output.reshape(len(bias), -1)
    layers = W, V, bias
    start = [layer.copy() for layer in layers]
    best_weights, best_loss, best_epoch = start, np.inf, 0
    order = np.arange(len(y))
    for epoch in range(1, epochs + 1):
        if draws.size:
            for i in range(len(order) - 1, 0, -1):  # Fisher and Yates, with a 32-bit draw for each place
                j = int(draws[epoch - 1, i]) * (i + 1) >> 32
                order[i], order[j] = order[j], order[i]
        seen = []
        for t in order:
            h, logits = _forward(W, V, bias, X[t])
            seen.append((logits, y[t]))
            error = rate * (np.exp(_log_softmax(logits)) - (np.arange(len(bias)) == y[t]))
            hidden_error = np.where(h > 0, V.T @ error, 0)
            V -= np.outer(error, h)
            bias -= error
            if learn_hidden:
                W -= np.outer(X[t], hidden_error)
        history[epoch - 1, :2] = _loss_and_accuracy(seen)
        for layer, first in zip(layers, start, strict=True):
            layer += shrinkage * (first - layer)
        if len(y_val):
            validated = [(_forward(W, V, bias, x)[1], label) for x, label in zip(X_val, y_val, strict=True)]
            val_loss, val_accuracy = _loss_and_accuracy(validated)
            history[epoch - 1, 2:] = val_loss, val_accuracy
            if val_loss < best_loss:
                best_loss, best_epoch, best_weights = val_loss, epoch, [layer.copy() for layer in layers]
            elif epoch - best_epoch >= patience:
                break
    if not len(y_val):
        return epoch, epoch
    for layer, best_layer in zip(layers, best_weights, strict=True):
        layer[:] = best_layer
    return epoch, best_epoch


def _forward(W: np.ndarray, V: np.ndarray, bias: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hidden activations, and the logits."""
    h = np.maximum(x @ W, 0)
    return h, V @ h + bias


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def _loss_and_accuracy(seen: list[tuple[np.ndarray, int]]) -> tuple[float, float]:
    losses = [-_log_softmax(logits)[label] for logits, label in seen]
    return float(np.mean(losses)), float(np.mean([logits.argmax() == label for logits, label in seen]))
