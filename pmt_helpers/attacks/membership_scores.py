"""Three ways to guess from a model's answer whether it was trained on a window. Notebook 04, step 4.

By loss: what a model was trained on, it knows better (Yeom et al. 2018). Calibrated: some windows are easy for any
model, so what counts is how much more certain this model is than another one (Watson et al. 2022). LiRA: two bell
curves for each window, of models trained with it and without it, and the ratio of their heights (Carlini et al. 2022).
"""

from typing import Any

import numpy as np

from pmt_helpers.activity.protocol import Download
from pmt_helpers.activity.quick_shared import download_of

TRAINED, OTHER, ASIDE = 1, 0, -1  # a window's role for a model; aside: it told when to stop, and counts for neither
NARROWEST = 0.01  # deviation of a bell curve: where all shadows agree it would be a needle
WORTH = 4  # the width of all windows' curves counts as so many shadows, beside those that saw this window
Sums = tuple[np.ndarray, np.ndarray, np.ndarray]


def published(model: Any) -> Download:
    """Weights and scaler of anything that has them: an ActivityModel, a private one, or a Download as it is.

    Raises TypeError for anything else.
    """
    if isinstance(model, Download):
        return model
    if hasattr(model, "model") and hasattr(model, "scaler"):
        return download_of(model)
    raise TypeError(f"an attack needs a model with its weights and scaler; got {type(model).__name__}")


def answers(model: Any, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How certain the model is of each window's true class, and whether it is right; (n_windows,) float64, and bool.

    X: raw features. Certainty is log(p / (1 - p)): it orders windows as the loss does, but neither end is squeezed,
    and over models it is nearly a bell curve.
    """
    download = published(model)
    rows = np.arange(len(y))
    scores = download.weights.scores(download.windows(X)).astype(np.float64)
    own = scores[rows, y].copy()
    scores[rows, y] = -np.inf
    return own - np.logaddexp.reduce(scores, axis=1), own > scores.max(axis=1)


def losses(sure: np.ndarray) -> np.ndarray:
    """The cross-entropy that belongs to a certainty."""
    return np.logaddexp(0, -sure)


def likelihood_ratio(target: np.ndarray, shadows: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """LiRA: log of how much likelier the target's certainty is if the target was trained on a window; (n_windows,).

    target: (n_windows,) certainties; shadows: (n_models, n_windows), the same of shadow models; roles: the same shape,
    TRAINED, OTHER or ASIDE. A window that no shadow was trained on, or all, gets 0: no opinion.
    Raises ValueError when that is so for every window.
    """
    return _ratio(target, *(_sums(shadows, roles == role) for role in (TRAINED, OTHER)))


def each_against_the_others(sure: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """likelihood_ratio of each model in turn, the others being its shadows; (n_models, n_windows)."""
    totals = [_sums(sure, roles == role) for role in (TRAINED, OTHER)]
    ratios = []
    for own, role in zip(sure, roles, strict=True):
        own_sums = [_sums(own[None], role[None] == which) for which in (TRAINED, OTHER)]
        ratios.append(_ratio(own, *(_without(total, part) for total, part in zip(totals, own_sums, strict=True))))
    return np.stack(ratios)


def difficulty(sure: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """For each model, how certain the others are that were not trained on a window, on average; (n_models, n_windows).

    Where there is none, the model's own certainty: then calibration says nothing.
    """
    unseen = roles == OTHER
    n, total = unseen.sum(0) - unseen, np.where(unseen, sure, 0).sum(0) - np.where(unseen, sure, 0)
    return np.where(n > 0, total / np.maximum(n, 1), sure)


def _sums(sure: np.ndarray, mask: np.ndarray) -> Sums:
    """How many, sum and sum of squares, for each window."""
    return mask.sum(0), np.where(mask, sure, 0).sum(0), np.where(mask, sure**2, 0).sum(0)


def _without(total: Sums, part: Sums) -> Sums:
    return total[0] - part[0], total[1] - part[1], total[2] - part[2]


def _ratio(target: np.ndarray, seen: Sums, unseen: Sums) -> np.ndarray:
    usable = (seen[0] > 0) & (unseen[0] > 0)
    if not usable.any():
        raise ValueError("LiRA needs shadow models trained with a window, and others without it: use more shadows")
    heights = []
    for n, total, squares in (seen, unseen):
        mean, free = total / np.maximum(n, 1), np.maximum(n - 1, 0)
        spread = np.where(free > 0, np.maximum(squares - n * mean**2, 0), 0)
        of_all = spread.sum() / max(free.sum(), 1)
        width = np.maximum(np.sqrt((spread + WORTH * of_all) / (free + WORTH)), NARROWEST)
        heights.append(-0.5 * ((target - mean) / width) ** 2 - np.log(width))
    return np.where(usable, heights[0] - heights[1], 0.0)
