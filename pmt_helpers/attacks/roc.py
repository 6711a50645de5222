"""How well an attack tells who was in the training data: ROC curve, AUC, hits at few false alarms. Notebook 04, step 4.

An AUC says how good an attack is on average; what harms people is to be right about a few of them with certainty. So
the hits at one false alarm in a hundred stand beside it, and curves are for log axes (Carlini et al. 2022).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

FALSE_ALARMS = 0.01
LEVEL = 0.95
RESAMPLES = 1000
BINS = 1000
DRAWN_AT = np.logspace(-4, 0, 49)


def hits_at(member: np.ndarray, scores: np.ndarray, false_alarms: float = FALSE_ALARMS) -> float:
    """Share of members found by the threshold that takes at most this share of the others for members."""
    fpr, tpr, _ = roc_curve(member, scores, drop_intermediate=False)
    return float(tpr[fpr <= false_alarms].max())


def drawn_curve(member: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """A ROC curve thinned for log axes: fpr, from the share that one false alarm makes (or 1e-4) to 1, and tpr."""
    fpr, tpr, _ = roc_curve(member, scores, drop_intermediate=False)
    smallest = 1 / np.count_nonzero(~np.asarray(member, bool))
    at = np.unique(np.clip(DRAWN_AT, smallest, 1.0))
    return pd.DataFrame({"fpr": at, "tpr": tpr[np.searchsorted(fpr, at * (1 + 1e-9), side="right") - 1]})


def strength(member: np.ndarray, scores: np.ndarray, who: np.ndarray, seed: int = 0) -> dict[str, float]:
    """AUC, and the hits (tpr) at 1% false alarms, over all rows together, each with a bootstrap interval (95%).

    member: (n,) bool; scores: (n,), higher means "was in"; who: (n,), what is resampled as one: people, or single
    windows when there is one person only. Returns auc, auc_low, auc_high, tpr, tpr_low, tpr_high; a resample without
    members or without others does not count. Raises ValueError when there are no members or no others.
    """
    member, scores = np.asarray(member, bool), np.asarray(scores, np.float64)
    if member.all() or not member.any():
        raise ValueError("an attack is measured on members and on others; here all rows are of one kind")
    found = {"auc": float(roc_auc_score(member, scores)), "tpr": hits_at(member, scores)}
    tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    table: dict[str, float] = {}
    for name, values in zip(found, _resampled(member, scores, np.asarray(who), seed), strict=True):
        low, high = np.quantile(values, tails) if len(values) > 1 else (np.nan, np.nan)
        table |= {name: found[name], f"{name}_low": float(low), f"{name}_high": float(high)}
    return table


def strengths(
    member: np.ndarray, scores: Mapping[str, np.ndarray], who: np.ndarray, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """strength and drawn_curve of several attacks on the same rows; both tables begin with the attack's name."""
    rows = [{"attack": name, **strength(member, values, who, seed)} for name, values in scores.items()]
    curves = [drawn_curve(member, values).assign(attack=name) for name, values in scores.items()]
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)[["attack", "fpr", "tpr"]]


def auc_of_each(member: np.ndarray, scores: np.ndarray, who: np.ndarray) -> dict[int, float]:
    """AUC within each person, who must have members and others: whether the attack works on one who is known."""
    return {
        int(one): float(roc_auc_score(member[who == one], scores[who == one]))
        for one in np.unique(who)
        if 0 < member[who == one].mean() < 1
    }


def _resampled(member: np.ndarray, scores: np.ndarray, who: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """AUC and hits of each bootstrap resample of `who`: (n_resamples,) each.

    Scores are counted in bins, finest where false alarms are few, so that a resample is a weighted sum of people's
    counts. An edge is the score of somebody who was not in, and a bin of its own: up to BINS of them, nothing is lost.
    """
    fine = np.concatenate([np.linspace(0, 0.95, BINS // 2), np.linspace(0.95, 1, BINS // 2)])
    edges = np.unique(np.quantile(scores[~member], fine, method="nearest"))
    bins = 2 * len(edges) + 1
    ids, number = np.unique(who, return_inverse=True)
    place = number * bins + np.searchsorted(edges, scores, side="left") + np.searchsorted(edges, scores, side="right")
    n = len(ids)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)
    above = []
    for mask in (~member, member):
        counts = np.bincount(place[mask], minlength=n * bins).reshape(n, bins)
        above.append(np.cumsum((weights @ counts)[:, ::-1], axis=1))
    usable = (above[0][:, -1] > 0) & (above[1][:, -1] > 0)
    fpr, tpr = (np.pad(each[usable] / each[usable, -1:], ((0, 0), (1, 0))) for each in above)
    return np.asarray(np.trapezoid(tpr, fpr, axis=1)), np.where(fpr <= FALSE_ALARMS, tpr, 0).max(axis=1)
