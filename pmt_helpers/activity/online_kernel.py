"""Gradient descent with batches of one, compiled: one pass over the weights per step. Notebook 02.

A step of plain gradient descent reads all hidden weights twice: to predict, and to update them. Here the update of
one step waits and is made while the next step reads the weights to predict: the same numbers, half the traffic. The
weights stay in the processor's nearest cache, and four inputs are taken at a time. `online.train_reference` is the
same training in plain NumPy, and tests hold the two together, and both to Keras.

Unsigned numbers matter here because Numba turns a signed index that might be negative into a branch, which the
compiler cannot vectorise; and the arrays are flat, with a width known beforehand, so that it can see that their rows
do not overlap.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
from tqdm.auto import tqdm

from pmt_helpers.activity.weights import HIDDEN_UNITS

F = np.float32
U = np.uint64
WIDTH = U(HIDDEN_UNITS)
TINY = F(1e-30)  # moves no weight; but subnormal numbers, below 1e-38, are slow
# Sums may be regrouped and multiply-adds fused, but NaN and infinity keep their meaning: a training that diverges must
# be noticed.
_FAST = {"reassoc", "contract", "arcp", "nsz", "afn"}
# The parts are inlined into the loop. Left to the compiler, the first process would run copies compiled on their own,
# and later ones, which read the loop from a file, the copies inside it: rounded differently, and slower.
_part = numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
_compiled = numba.njit(fastmath=_FAST, error_model="numpy", nogil=True, cache=True)
Array = np.ndarray


@_part
def _update_and_forward(W: Array, previous: Array, x: Array, delta: Array, h: Array) -> None:
    """W -= outer(previous, delta), then h = x @ W, in one pass. W: flat (n_inputs * 128,); previous, x: (n_inputs,)"""
    for i in range(WIDTH):
        h[i] = F(0)
    for row in range(U(0), U(x.size), U(4)):
        a0, a1, a2, a3 = previous[row], previous[row + U(1)], previous[row + U(2)], previous[row + U(3)]
        x0, x1, x2, x3 = x[row], x[row + U(1)], x[row + U(2)], x[row + U(3)]
        for i in range(WIDTH):
            at = row * WIDTH + i
            d = delta[i]
            w0 = W[at] - a0 * d
            w1 = W[at + WIDTH] - a1 * d
            w2 = W[at + U(2) * WIDTH] - a2 * d
            w3 = W[at + U(3) * WIDTH] - a3 * d
            W[at] = w0
            W[at + WIDTH] = w1
            W[at + U(2) * WIDTH] = w2
            W[at + U(3) * WIDTH] = w3
            h[i] += x0 * w0 + x1 * w1 + x2 * w2 + x3 * w3


@_part
def _probabilities(V: Array, b: Array, h: Array, p: Array, label: int) -> tuple[float, int]:
    """Makes h its ReLU and p the softmax of the logits; returns the cross-entropy, unclipped, and the guess."""
    for i in range(WIDTH):
        h[i] = max(h[i], F(0))
    for c in range(U(p.size)):
        logit = F(0)
        for i in range(WIDTH):
            logit += V[c * WIDTH + i] * h[i]
        p[c] = logit + b[c]
    guess = p.argmax()
    largest, true = p[guess], p[label]
    total = F(0)
    for c in range(p.size):
        p[c] = math.exp(p[c] - largest)
        total += p[c]
    for c in range(p.size):
        p[c] /= total
    return math.log(np.float64(total)) + np.float64(largest - true), int(guess)


@_part
def _update_output(V: Array, b: Array, h: Array, p: Array, label: int, rate: np.float32, delta: Array) -> None:
    """One step of the output layer; `delta` becomes the rate times the gradient at the hidden units."""
    p[label] -= F(1)
    for i in range(WIDTH):
        delta[i] = F(0)
    for c in range(U(b.size)):
        g = rate * p[c]
        if abs(g) < TINY:
            continue
        b[c] -= g
        for i in range(WIDTH):
            v = V[c * WIDTH + i]
            delta[i] += g * v
            V[c * WIDTH + i] = v - g * h[i]
    for i in range(WIDTH):
        delta[i] = delta[i] if h[i] > F(0) else F(0)


@_part
def _shuffle(order: Array, draws: Array) -> None:
    """Fisher and Yates, with a 32-bit draw for each place."""
    for i in range(order.size - 1, 0, -1):
        j = np.int64((U(draws[i]) * U(i + 1)) >> U(32))
        order[i], order[j] = order[j], order[i]


@_compiled
def train(
    hidden: Array, output: Array, bias: Array, X: Array, y: Array, X_val: Array, y_val: Array, epochs: int,
    draws: Array, rate: np.float32, patience: int, learn_hidden: bool, shrinkage: np.float32, history: Array,
) -> tuple[int, int]:  # fmt: skip
    """Train in place; returns (epochs run, best epoch). All checks are made by the caller, `online.train_online`.

    hidden: flat (n_inputs * 128,). output: flat (n_classes * 128,). X, X_val: (n, n_inputs). draws: (epochs, n)
    uint32 for the order of each epoch, or (0, 0) to keep the order given. With X_val, stops once its loss has not
    improved for `patience` epochs and goes back to the best. shrinkage: share of the distance to the start that is
    taken away after each epoch. history: (epochs, 4), filled with the training's loss and accuracy, then X_val's.
    """
    W, V, b = np.empty_like(hidden), np.empty_like(output), bias.copy()  # Numba aligns its own arrays: much faster
    W[:], V[:] = hidden, output
    W_best, V_best, b_best = hidden.copy(), output.copy(), bias.copy()
    W_start, V_start, b_start = hidden.copy(), output.copy(), bias.copy()
    h, delta, p = np.zeros(HIDDEN_UNITS, F), np.zeros(HIDDEN_UNITS, F), np.zeros(bias.size, F)
    order = np.arange(y.size)
    previous = X[0]
    best_loss, best_epoch, epoch = np.inf, 0, 0
    while epoch < epochs:
        if draws.size:
            _shuffle(order, draws[epoch])
        loss, n_right = 0.0, 0.0
        for t in order:
            _update_and_forward(W, previous, X[t], delta, h)
            cross_entropy, guess = _probabilities(V, b, h, p, y[t])
            _update_output(V, b, h, p, y[t], rate, delta)
            if not learn_hidden:
                delta[:] = F(0)
            previous = X[t]
            loss += cross_entropy
            n_right += guess == y[t]
        history[epoch, 0], history[epoch, 1] = loss / y.size, n_right / y.size
        epoch += 1
        if shrinkage > F(0):
            _update_and_forward(W, previous, previous, delta, h)
            delta[:] = F(0)
            for i in range(W.size):
                W[i] += shrinkage * (W_start[i] - W[i])
            for i in range(V.size):
                V[i] += shrinkage * (V_start[i] - V[i])
            for c in range(b.size):
                b[c] += shrinkage * (b_start[c] - b[c])
        if y_val.size:
            val_loss, n_right = 0.0, 0.0
            for k in range(y_val.size):
                _update_and_forward(W, previous, X_val[k], delta, h)
                delta[:] = F(0)
                cross_entropy, guess = _probabilities(V, b, h, p, y_val[k])
                val_loss += cross_entropy
                n_right += guess == y_val[k]
            history[epoch - 1, 2], history[epoch - 1, 3] = val_loss / y_val.size, n_right / y_val.size
            if val_loss < best_loss:
                best_loss, best_epoch = val_loss, epoch
                W_best[:], V_best[:], b_best[:] = W, V, b
            elif epoch - best_epoch >= patience:
                break
    if y_val.size:
        hidden[:], output[:], bias[:] = W_best, V_best, b_best
        return epoch, best_epoch
    _update_and_forward(W, previous, previous, delta, h)
    hidden[:], output[:], bias[:] = W, V, b
    return epoch, epoch


def compiled_loop(width: int = HIDDEN_UNITS) -> Callable[..., tuple[int, int]]:
    """`train`, compiled: some seconds, with a bar, the first time on a machine; later it is read from a file.

    width: of the hidden layer. The loop of another one than HIDDEN_UNITS is compiled in each process that needs it.
    """
    loop = train if width == HIDDEN_UNITS else _train_of_width(width)
    if not loop.signatures:
        cached = any(Path(loop.stats.cache_path or ".").glob("online_kernel.train-*.nbi"))
        with tqdm(total=1, desc="compiling, once on this machine", leave=False, disable=cached) as bar:
            flat, windows, labels = np.zeros(4 * width, F), np.zeros((1, 4), F), np.zeros(1, np.int64)
            draws, history = np.zeros((1, 1), np.uint32), np.zeros((1, 4))
            output, bias = np.zeros(width, F), np.zeros(1, F)
            loop(flat, output, bias, windows, labels, windows, labels, 1, draws, F(0), 1, True, F(0), history)
            bar.update()
    return loop


@lru_cache
def _train_of_width(width: int) -> Any:
    """The loop with another number in the place of the width; not stored, as it would be taken for the first one."""
    names = {**globals(), "WIDTH": U(width), "HIDDEN_UNITS": width}
    options: dict[str, Any] = {"fastmath": _FAST, "error_model": "numpy", "nogil": True}
    for part in (_update_and_forward, _probabilities, _update_output):
        copied = FunctionType(part.py_func.__code__, names, part.py_func.__name__)
        names[copied.__name__] = numba.njit(**options, forceinline=True)(copied)
    return numba.njit(**options)(FunctionType(train.py_func.__code__, names, "train"))
