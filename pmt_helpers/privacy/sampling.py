"""Who takes part in which step: a coin flip for each unit in each step. Notebook 04."""

import numpy as np


def poisson_batches(
    n_units: int, sampling: float, steps: int, rng: np.random.Generator, *, multiple: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the units of each step, and a mask of those that count; (steps, most) int32 and float32.

    Every unit takes part in every step with probability `sampling`, whatever the others do (Poisson sampling): batches
    differ in size, and some may be empty. They are filled up to the largest, rounded up to `multiple`, with rows of
    mask 0.
    """
    drawn = rng.random((steps, n_units)) < sampling
    sizes = drawn.sum(1)
    most = max(1, -(-int(sizes.max()) // multiple)) * multiple
    mask = np.arange(most) < sizes[:, None]
    rows = np.zeros((steps, most), np.int32)
    rows[mask] = np.nonzero(drawn)[1]
    return rows, mask.astype(np.float32)
