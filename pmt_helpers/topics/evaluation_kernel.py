"""Held-out document completion, compiled. `evaluation.py` has the same in NumPy. Notebook 03, step 4."""

from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from tqdm.auto import tqdm

from pmt_helpers.topics.gibbs_kernel import block_sum
from pmt_helpers.topics.gibbs_reference import BLOCK

U = np.uint64
Array = np.ndarray


@numba.njit(error_model="numpy", forceinline=True)
def _products(theta: Array, phi: Array, row: np.uint64, p: Array) -> float:
    """p becomes theta times the word's row of phi; returns their sum."""
    for k in range(U(p.size)):
        p[k] = theta[k] * phi[row + k]
    total = 0.0
    for b in range(U(p.size) // U(BLOCK)):
        total += block_sum(p, U(b) * U(BLOCK))
    return total


@numba.njit(error_model="numpy", nogil=True, cache=True)
def complete(
    seen_words: Array,
    seen_counts: Array,
    seen_starts: Array,
    words: Array,
    counts: Array,
    starts: Array,
    phi: Array,
    width: int,
    n_topics: int,
    alpha: float,
    iterations: int,
) -> float:
    """Sum over the unseen tokens of log2 theta . phi, each document's theta from its seen ones.

    Words and counts: an entry each; starts: where each document's begin. phi: flat, `width` topics a word.
    """
    size = U(width)
    theta, new, p = np.zeros(size), np.zeros(size), np.zeros(size)
    found = 0.0
    for d in range(U(starts.size - 1)):
        for k in range(U(n_topics)):
            theta[k] = 1.0 / n_topics
        for _ in range(iterations):
            length = 0.0
            for k in range(U(n_topics)):
                new[k] = alpha
            for i in range(U(seen_starts[d]), U(seen_starts[d + U(1)])):
                share = seen_counts[i] / _products(theta, phi, U(seen_words[i]) * size, p)
                for k in range(size):
                    new[k] += share * p[k]
                length += seen_counts[i]
            for k in range(U(n_topics)):
                theta[k] = new[k] / (length + n_topics * alpha)
        for i in range(U(starts[d]), U(starts[d + U(1)])):
            found += counts[i] * np.log2(_products(theta, phi, U(words[i]) * size, p))
    return found


def compiled_loop() -> Callable[..., float]:
    """`complete`, compiled: a few seconds, with a bar, the first time on a machine; later it is read from a file."""
    if not complete.signatures:
        cached = any(Path(complete.stats.cache_path or ".").glob("evaluation_kernel.complete-*.nbi"))
        with tqdm(total=1, desc="compiling, once on this machine", leave=False, disable=cached) as bar:
            nothing = np.zeros(0, np.uint32), np.zeros(0), np.zeros(1, np.int64)
            complete(*nothing, *nothing, np.zeros(0), BLOCK, 1, 1.0, 1)
            bar.update()
    return complete
