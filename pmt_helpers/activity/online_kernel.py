"""Batch-1 gradient descent, compiled: one pass over the weights a step. Notebook 02, step 2.

A step of plain gradient descent reads all hidden weights twice: to predict, and to change them. Here the change of
one step waits and is made while the next step reads the weights to predict: the same numbers, half the traffic. The
weights stay in the processor's nearest cache, and four inputs are taken at a time. `online.py` has the same training
in plain NumPy, and tests hold the two together, and both to Keras.

Unsigned numbers count here because Numba turns a signed index that might be negative into a choice, which the
compiler cannot vectorise; and the arrays are flat, with a width known beforehand, so that it can see that their rows
do not overlap.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from tqdm.auto import tqdm

from pmt_helpers.activity.model import HIDDEN_UNITS

F = np.float32
U = np.uint64
WIDTH = U(HIDDEN_UNITS)
TINY = F(1e-30)  # moves no weight; but numbers near float32's end, 1e-38, make a processor crawl
# Sums may be regrouped and multiply-adds fused, but NaN and infinity keep their meaning: a training that goes wrong
# must be seen to.
_FAST = {"reassoc", "contract", "arcp", "nsz", "afn"}
# The parts become part of the loop. Left to the compiler, the first process would run copies compiled on their own, and
# later ones, which read the loop from a file, the copies inside of it: rounded otherwise, and slower.
_part = numba.njit(fastmath=_FAST, error_model="numpy", forceinline=True)
_compiled = numba.njit(fastmath=_FAST, error_model="numpy", nogil=True, cache=True)
Array = np.ndarray


@_part
def _change_and_predict(W: Array, before: Array, now: Array, change: Array, h: Array) -> None:
    """W -= outer(before, change), then h = now @ W, in one pass. W: flat (n_inputs * 128,); before, now: (n_inputs,)"""
    for i in range(WIDTH):
        h[i] = F(0)
    for row in range(U(0), U(now.size), U(4)):
        a0, a1, a2, a3 = before[row], before[row + U(1)], before[row + U(2)], before[row + U(3)]
        x0, x1, x2, x3 = now[row], now[row + U(1)], now[row + U(2)], now[row + U(3)]
        for i in range(WIDTH):
            at = row * WIDTH + i
            d = change[i]
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
    """Makes h its ReLU and p the softmax of the scores; returns the cross-entropy, without clipping, and the guess."""
    for i in range(WIDTH):
        h[i] = max(h[i], F(0))
    for c in range(U(p.size)):
        score = F(0)
        for i in range(WIDTH):
            score += V[c * WIDTH + i] * h[i]
        p[c] = score + b[c]
    guess = p.argmax()
    top, own = p[guess], p[label]
    total = F(0)
    for c in range(p.size):
        p[c] = math.exp(p[c] - top)
        total += p[c]
    for c in range(p.size):
        p[c] /= total
    return math.log(np.float64(total)) + np.float64(top - own), int(guess)


@_part
def _change_output(V: Array, b: Array, h: Array, p: Array, label: int, rate: np.float32, change: Array) -> None:
    """One step of the output layer; `change` becomes the rate times the gradient at the hidden units."""
    p[label] -= F(1)
    for i in range(WIDTH):
        change[i] = F(0)
    for c in range(U(b.size)):
        g = rate * p[c]
        if abs(g) < TINY:
            continue
        b[c] -= g
        for i in range(WIDTH):
            v = V[c * WIDTH + i]
            change[i] += g * v
            V[c * WIDTH + i] = v - g * h[i]
    for i in range(WIDTH):
        change[i] = change[i] if h[i] > F(0) else F(0)


@_part
def _shuffle(order: Array, draws: Array) -> None:
    """Fisher and Yates, with a 32-bit draw for each place."""
    for i in range(order.size - 1, 0, -1):
        j = np.int64((U(draws[i]) * U(i + 1)) >> U(32))
        order[i], order[j] = order[j], order[i]


@_compiled
def train(
    hidden: Array,
    output: Array,
    bias: Array,
    X: Array,
    y: Array,
    X_held: Array,
    y_held: Array,
    epochs: int,
    draws: Array,
    rate: np.float32,
    patience: int,
    learn_hidden: bool,
    pull: np.float32,
    history: Array,
) -> tuple[int, int]:
    """Train in place; returns (epochs run, epoch kept). All checks are made by the caller, `online.train_online`.

    hidden: flat (n_inputs * 128,). output: flat (n_classes * 128,). X, X_held: (n, n_inputs). draws: (epochs, n)
    uint32 for the order of each epoch, or (0, 0) to keep the order given. With X_held, stops once its loss has not
    improved for `patience` epochs and goes back to the best. pull: share of the way back to the start that the weights
    are taken after each epoch. history: (epochs, 4), filled with loss and accuracy, in training and held out.
    """
    W, V, b = np.empty_like(hidden), np.empty_like(output), bias.copy()  # Numba aligns its own arrays: much faster
    W[:], V[:] = hidden, output
    W_best, V_best, b_best = hidden.copy(), output.copy(), bias.copy()
    W_start, V_start, b_start = hidden.copy(), output.copy(), bias.copy()
    h, change, p = np.zeros(HIDDEN_UNITS, F), np.zeros(HIDDEN_UNITS, F), np.zeros(bias.size, F)
    order = np.arange(y.size)
    before = X[0]
    best, kept, epoch = np.inf, 0, 0
    while epoch < epochs:
        if draws.size:
            _shuffle(order, draws[epoch])
        loss, right = 0.0, 0.0
        for t in order:
            _change_and_predict(W, before, X[t], change, h)
            cross_entropy, guess = _probabilities(V, b, h, p, y[t])
            _change_output(V, b, h, p, y[t], rate, change)
            if not learn_hidden:
                change[:] = F(0)
            before = X[t]
            loss += cross_entropy
            right += guess == y[t]
        history[epoch, 0], history[epoch, 1] = loss / y.size, right / y.size
        epoch += 1
        if pull > F(0):
            _change_and_predict(W, before, before, change, h)
            change[:] = F(0)
            for i in range(W.size):
                W[i] += pull * (W_start[i] - W[i])
            for i in range(V.size):
                V[i] += pull * (V_start[i] - V[i])
            for c in range(b.size):
                b[c] += pull * (b_start[c] - b[c])
        if y_held.size:
            held, right = 0.0, 0.0
            for one in range(y_held.size):
                _change_and_predict(W, before, X_held[one], change, h)
                change[:] = F(0)
                cross_entropy, guess = _probabilities(V, b, h, p, y_held[one])
                held += cross_entropy
                right += guess == y_held[one]
            history[epoch - 1, 2], history[epoch - 1, 3] = held / y_held.size, right / y_held.size
            if held < best:
                best, kept = held, epoch
                W_best[:], V_best[:], b_best[:] = W, V, b
            elif epoch - kept >= patience:
                break
    if y_held.size:
        hidden[:], output[:], bias[:] = W_best, V_best, b_best
        return epoch, kept
    _change_and_predict(W, before, before, change, h)
    hidden[:], output[:], bias[:] = W, V, b
    return epoch, epoch


def compiled_loop() -> Callable[..., tuple[int, int]]:
    """`train`, compiled: some seconds, with a bar, the first time on a machine; later it is read from a file."""
    if not train.signatures:
        cached = any(Path(train.stats.cache_path or ".").glob("online_kernel.train-*.nbi"))
        with tqdm(total=1, desc="compiling, once on this machine", leave=False, disable=cached) as bar:
            flat, windows, labels = np.zeros(4 * HIDDEN_UNITS, F), np.zeros((1, 4), F), np.zeros(1, np.int64)
            draws, history = np.zeros((1, 1), np.uint32), np.zeros((1, 4))
            output, bias = np.zeros(HIDDEN_UNITS, F), np.zeros(1, F)
            train(flat, output, bias, windows, labels, windows, labels, 1, draws, F(0), 1, True, F(0), history)
            bar.update()
    return train
