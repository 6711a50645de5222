"""How well an attack tells members from others: ROC curve, AUC, true positives at 1% false ones. Notebook 05, step 1.

An AUC says how good an attack is on average. What harms people is to be right about a few of them with certainty, so
the true positive rate at one false alarm in a hundred stands beside it, and curves are for log axes (Carlini et al.
2022, section IV).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

TARGET_FPR = 0.01
CONFIDENCE_LEVEL = 0.95
RESAMPLES = 1000
BINS = 1000
FPR_GRID = np.logspace(-4, 0, 49)


def tpr_at_fpr(member: np.ndarray, scores: np.ndarray, max_fpr: float = TARGET_FPR) -> float:
    """Share of members found by the threshold that takes at most `max_fpr` of the others for members."""
    fpr, tpr, _ = roc_curve(member, scores, drop_intermediate=False)
    return float(tpr[fpr <= max_fpr].max())


def log_roc_curve(member: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """A ROC curve thinned for log axes: fpr, from the share that one false alarm makes (or 1e-4) to 1, and tpr."""
    fpr, tpr, _ = roc_curve(member, scores, drop_intermediate=False)
    one_false_alarm = 1 / np.count_nonzero(~np.asarray(member, bool))
    grid = np.unique(np.clip(FPR_GRID, one_false_alarm, 1.0))
    return pd.DataFrame({"fpr": grid, "tpr": tpr[np.searchsorted(fpr, grid * (1 + 1e-9), side="right") - 1]})


def attack_metrics(member: np.ndarray, scores: np.ndarray, who: np.ndarray, seed: int = 0) -> dict[str, float]:
    """AUC and TPR at 1% FPR over all rows together, each with a 95% bootstrap interval.

    Parameters
    ----------
    member : (n,) bool
    scores : (n,), higher means "was in the training data"
    who : (n,), what is resampled as one: people, or single windows where there is one person only

    Returns
    -------
    auc, auc_low, auc_high, tpr, tpr_low, tpr_high. A resample without members or without others does not count.
    Raises ValueError when there are no members or no others.
    """
    member, scores = np.asarray(member, bool), np.asarray(scores, np.float64)
    if member.all() or not member.any():
        raise ValueError("an attack is measured on members and on others; here all rows are of one kind")
    values = {"auc": float(roc_auc_score(member, scores)), "tpr": tpr_at_fpr(member, scores)}
    tails = (1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2
    metrics: dict[str, float] = {}
    for (name, value), resampled in zip(values.items(), _bootstrap(member, scores, np.asarray(who), seed), strict=True):
        low, high = np.quantile(resampled, tails) if len(resampled) > 1 else (np.nan, np.nan)
        metrics |= {name: value, f"{name}_low": float(low), f"{name}_high": float(high)}
    return metrics


def compare_attacks(
    member: np.ndarray, scores: Mapping[str, np.ndarray], who: np.ndarray, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """attack_metrics and log_roc_curve of several attacks on the same rows; both tables begin with column `attack`."""
    rows = [{"attack": name, **attack_metrics(member, values, who, seed)} for name, values in scores.items()]
    curves = [log_roc_curve(member, values).assign(attack=name) for name, values in scores.items()]
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)[["attack", "fpr", "tpr"]]


def auc_per_user(member: np.ndarray, scores: np.ndarray, who: np.ndarray) -> dict[int, float]:
    """AUC within each person who has members and others: whether the attack works on one who is known."""
    return {
        int(user): float(roc_auc_score(member[who == user], scores[who == user]))
        for user in np.unique(who)
        if 0 < member[who == user].mean() < 1
    }


def _bootstrap(member: np.ndarray, scores: np.ndarray, who: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """AUC and TPR at TARGET_FPR of each bootstrap resample of `who`: (n_resamples,) each.

    Scores are counted in bins, finest where false alarms are few, so that a resample is a weighted sum of people's
    counts. An edge is the score of a non-member, and a bin of its own: with up to BINS of them, nothing is lost.
    """
    quantiles = np.concatenate([np.linspace(0, 0.95, BINS // 2), np.linspace(0.95, 1, BINS // 2)])
    edges = np.unique(np.quantile(scores[~member], quantiles, method="nearest"))
    n_bins = 2 * len(edges) + 1
    ids, number = np.unique(who, return_inverse=True)
    n = len(ids)
    bins = number * n_bins + np.searchsorted(edges, scores, side="left") + np.searchsorted(edges, scores, side="right")
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)
    above = []
    for mask in (~member, member):
        counts = np.bincount(bins[mask], minlength=n * n_bins).reshape(n, n_bins)
        above.append(np.cumsum((weights @ counts)[:, ::-1], axis=1))
    usable = (above[0][:, -1] > 0) & (above[1][:, -1] > 0)
    fpr, tpr = (np.pad(counts[usable] / counts[usable, -1:], ((0, 0), (1, 0))) for counts in above)
    return np.asarray(np.trapezoid(tpr, fpr, axis=1)), np.where(fpr <= TARGET_FPR, tpr, 0).max(axis=1)
