"""What an uploaded gradient tells: the very window it was computed on. Notebook 05.

The paper's design uploads nothing. Federated averaging uploads gradients or changes of weights, and this is what the
cloud could read from them: the gradient of a hidden unit's weights is its error times the input, that of its bias is
the error alone, so that their quotient is the input (Phong et al. 2018). No optimisation, no guessing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights

MIN_ERROR = 1e-4  # of the largest: a hidden unit whose error is smaller tells nothing but rounding
AGREEMENT_TOLERANCE = 0.01  # deviations: two units that agree on every feature so closely have seen the same window
RECOVERY_TOLERANCE = 0.05  # deviations: a window counts as recovered when no feature is farther off
BATCHES = (1, 2, 4, 8, 16, 32, 60)


@dataclass(frozen=True, eq=False)
class Leak:
    """What was read from a gradient, in scaled features (or raw ones, where a scaler was given).

    windows: (n_found, n_features), inputs that two hidden units or more give alike: windows of the batch, and now and
    then a mixture of two windows, where two units weigh them alike.
    average: (n_features,), the least-squares input over all units, between the windows of the batch.
    labels: classes that must be among the batch's labels.
    """

    windows: np.ndarray
    average: np.ndarray
    labels: np.ndarray


def gradient_at(model: Any, X: np.ndarray, y: np.ndarray) -> Weights:
    """The gradient of the mean cross-entropy over raw windows, laid out as the weights are: what a device would upload.

    Raises ValueError for no windows.
    """
    download, y = Checkpoint.from_model(model), np.asarray(y)
    if len(y) == 0:
        raise ValueError("a gradient needs at least one window")
    if y.min() < 0 or y.max() >= len(download.weights.bias):
        raise ValueError(f"y must be classes from 0 to {len(download.weights.bias) - 1}; got {y.min()} to {y.max()}")
    weights, inputs = download.weights, download.windows(X)
    hidden = np.maximum(inputs @ weights.hidden, 0)
    logits = hidden @ weights.output.T + weights.bias
    error = np.exp(logits - logits.max(axis=1, keepdims=True))
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(len(y)), y] -= 1
    error /= np.float32(len(y))
    at_hidden = np.where(hidden > 0, error @ weights.output, 0)
    return Weights(inputs.T @ at_hidden, error.T @ hidden, error.sum(axis=0), weights.n_features)


def weight_update(before: Weights, after: Weights) -> Weights:
    """The change of weights that training made, with a gradient's sign: what federated averaging would upload."""
    return Weights(
        before.hidden - after.hidden, before.output - after.output, before.bias - after.bias, before.n_features
    )


def recover_from_gradient(gradient: Weights, scaler: Preprocessor | None = None) -> Leak:
    """Read the training windows out of a gradient (or a change of weights).

    From one window: the window, exact up to rounding, and its label. From several: those that have hidden units to
    themselves; the average of all tells little of each. scaler: to give raw features (a missing one comes as the mean).
    Raises ValueError for a gradient of zeros.
    """
    n = gradient.n_features
    of_weights, of_bias = gradient.hidden[:n].astype(np.float64), gradient.hidden[n].astype(np.float64)
    size = np.abs(of_bias)
    if not size.max() > 0:
        raise ValueError("this gradient is zero: the model is certain and right, and tells nothing")
    usable = size > MIN_ERROR * size.max()
    windows = _agreed((of_weights[:, usable] / of_bias[usable]).T, size[usable])
    average = of_weights @ of_bias / (of_bias @ of_bias)
    if scaler is not None:
        windows, average = (inputs * scaler.scale + scaler.mean for inputs in (windows, average))
    return Leak(windows, average, np.flatnonzero(gradient.bias < 0))


def leak_by_batch(
    model: Any,
    X: np.ndarray,
    y: np.ndarray,
    batches: Sequence[int] = BATCHES,
    *,
    epochs: int | None = None,
    draws: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """How the leak fades when what is uploaded was computed on more windows, drawn at random from (X, y).

    epochs: None uploads a gradient; a number, the change of weights after that many epochs at home, a window per step.
    Returns one row per batch size and draw: windows (in the batch), found (share of them recovered), error (largest
    over the features of those, in deviations), false (recovered inputs that are no window of the batch), labels (share
    of the batch's labels named), correlation (of the average with the window it resembles most).
    """
    cloud = Checkpoint.from_model(model)
    inputs = cloud.windows(X)
    scaled = inputs[:, : cloud.weights.n_features].astype(np.float64)
    rng = np.random.default_rng(seed)
    rows = []
    for n in (n for n in batches if n <= len(y)):
        for draw in range(draws):
            chosen = rng.permutation(len(y))[:n]
            if epochs is None:
                upload = gradient_at(cloud, X[chosen], y[chosen])
            else:
                trained = train_online(Task(cloud.weights, inputs[chosen], y[chosen], seed=(seed, draw)), epochs=epochs)
                upload = weight_update(cloud.weights, trained.weights)
            rows.append({"windows": n, "draw": draw, **measure_leak(upload, scaled[chosen], y[chosen])})
    return pd.DataFrame(rows)


def measure_leak(upload: Weights, windows: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """What is read of the scaled windows behind an upload: the last columns of leak_by_batch."""
    if not np.abs(upload.hidden[upload.n_features]).max() > 0:
        return {"found": 0.0, "error": np.nan, "false": 0, "labels": 0.0, "correlation": np.nan}
    leak = recover_from_gradient(upload)
    gaps = np.abs(leak.windows[:, None] - windows).max(2)  # (n_found, n_windows)
    hit = gaps.min(0, initial=np.inf) < RECOVERY_TOLERANCE
    centred, average = windows - windows.mean(1, keepdims=True), leak.average - leak.average.mean()
    norms = np.linalg.norm(average) * np.linalg.norm(centred, axis=1)
    return {
        "found": float(hit.mean()),
        "error": float(gaps.min(0)[hit].max()) if hit.any() else np.nan,
        "false": int((gaps.min(1) >= RECOVERY_TOLERANCE).sum()),
        "labels": float(np.isin(np.unique(labels), leak.labels).mean()),
        "correlation": float((centred @ average / np.where(norms > 0, norms, 1)).max()),
    }


def _agreed(candidates: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Candidates that at least two units agree on, each once, the most reliable unit's version; (n_found, n)."""
    left, agreed = candidates[np.argsort(-weight)], []
    while len(left):
        alike = np.abs(left - left[0]).max(axis=1) < AGREEMENT_TOLERANCE
        if alike.sum() > 1:
            agreed.append(left[0])
        left = left[~alike]
    return np.array(agreed).reshape(-1, candidates.shape[1])
