"""What personalising changes for each person: paired gains, their interval, and who is made worse. Notebook 02."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest, bootstrap, t
from sklearn.metrics import confusion_matrix, f1_score, recall_score

LEVEL = 0.95


RESAMPLES = 9999


SAME = 1e-9  # smaller differences of two accuracies are rounding


@dataclass(frozen=True)
class Gain:
    """How much better one model is than another, person by person.

    by_user: the difference of accuracies of each user, folds (and seeds) averaged; mean over users, and the bootstrap
    interval of that mean from `low` to `high`; `harmed` users are worse off.
    """

    by_user: pd.Series
    mean: float
    low: float
    high: float

    @property
    def harmed(self) -> list[int]:
        """Users for whom the first model is worse, the worst first."""
        worse = self.by_user[self.by_user < -SAME].sort_values()
        return [int(user) for user in worse.index]

    def __str__(self) -> str:
        n = len(self.by_user)
        return (
            f"{100 * self.mean:+.1f} points (95% interval {100 * self.low:+.1f} to {100 * self.high:+.1f} over {n} "
            f"people), worse for {len(self.harmed)} of {n}"
        )


def of_each_user(curve: pd.DataFrame, measure: str = "accuracy") -> pd.DataFrame:
    """A learning curve's mean over folds and seeds: one row a (user, n_samples), one column a model."""
    means = curve.groupby(["user", "n_samples", "model"])[measure].mean()
    return means.unstack("model")


def paired_gain(
    curve: pd.DataFrame, n_samples: int, model: str = "personal", than: str = "shared", seed: int = 0
) -> Gain:
    """Accuracy of `model` minus that of `than` at one number of samples, for the users who have as many.

    The interval resamples users, each with both models. Raises ValueError when nobody has both.
    """
    table = of_each_user(curve[curve["n_samples"] == n_samples])
    if not {model, than} <= set(table.columns) or table[[model, than]].dropna().empty:
        there = sorted(curve["n_samples"].unique().tolist())
        raise ValueError(f"no user has both {model} and {than} at {n_samples} samples; sizes here are {there}")
    difference = (table[model] - table[than]).dropna().droplevel("n_samples")
    low, high = mean_interval(difference.to_numpy(), seed)
    return Gain(difference, float(difference.mean()), low, high)


def gains_at(curves: Mapping[str, pd.DataFrame], sizes: Sequence[int]) -> pd.DataFrame:
    """Gains of personal over shared in several curves (by the name of their split), as a table.

    Columns: split, n_samples, mean, low, high, harmed (number of people), users.
    """
    rows = []
    for split, curve in curves.items():
        for size in sizes:
            gain = paired_gain(curve, size)
            found = {"mean": gain.mean, "low": gain.low, "high": gain.high}
            rows.append(
                {"split": split, "n_samples": size, **found, "harmed": len(gain.harmed), "users": len(gain.by_user)}
            )
    return pd.DataFrame(rows)


def mean_interval(values: Sequence[float] | np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval (95%) of a mean; (NaN, NaN) for fewer than two values."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return float("nan"), float("nan")
    found = bootstrap(
        (values,), np.mean, confidence_level=LEVEL, n_resamples=RESAMPLES, method="percentile", rng=seed, batch=1000
    ).confidence_interval
    return float(found.low), float(found.high)


def crossing(curve: pd.DataFrame, model: str, than: str, min_users: int = 2) -> float:
    """The number of samples from which on `model` stays ahead of `than` on average; NaN when it never does.

    Each size compares the users who have as many samples, both models on the same users; sizes that fewer than
    `min_users` have are left out.
    """
    table = of_each_user(curve)
    difference = (table[model] - table[than]).dropna()
    by_size = difference.groupby("n_samples").agg(["mean", "size"])
    means = by_size.loc[by_size["size"] >= min_users, "mean"]
    behind = means.index[means <= 0]
    ahead = means.index if len(behind) == 0 else means.index[means.index > behind.max()]
    return float(ahead.min()) if len(ahead) else float("nan")


def ahead_until(curve: pd.DataFrame, model: str, than: str) -> float:
    """The largest number of samples at which `model` is still ahead of `than` on average; 0 when it never is."""
    table = of_each_user(curve)
    means = (table[model] - table[than]).dropna().groupby("n_samples").mean()
    return float(means.index[means > 0].max()) if (means > 0).any() else 0.0


def distance(curve: pd.DataFrame, paper: pd.DataFrame, most: int = 90) -> float:
    """How far two mean curves are apart: absolute difference of accuracy, averaged over sizes 1 to `most` and models.

    Both: model, n_samples, accuracy. Only models that both have count; sizes in between are interpolated.
    """
    sizes = np.arange(1, most + 1)
    gaps = []
    for model in sorted(set(curve["model"]) & set(paper["model"])):
        lines = [frame[frame["model"] == model].groupby("n_samples")["accuracy"].mean() for frame in (curve, paper)]
        ours, theirs = (np.interp(sizes, line.index.to_numpy(float), line.to_numpy()) for line in lines)
        gaps.append(np.abs(ours - theirs).mean())
    return float(np.mean(gaps))


def mean_curve(curve: pd.DataFrame, measure: str = "accuracy", min_users: int = 5) -> pd.DataFrame:
    """Mean over users at each size that `min_users` have: model, n_samples, accuracy, users, lower, upper.

    lower and upper bound a 95% interval over users, by Student's t: a bootstrap at every size is slow.
    """
    rows = []
    for (model, n_samples), group in curve.groupby(["model", "n_samples"], sort=True):
        values = group.groupby("user")[measure].mean().to_numpy()
        if len(values) < max(min_users, 2):
            continue
        half = t.ppf(0.5 + LEVEL / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        mean = values.mean()
        rows.append(
            {
                "model": model,
                "n_samples": n_samples,
                measure: mean,
                "lower": mean - half,
                "upper": mean + half,
                "users": len(values),
            }
        )
    return pd.DataFrame(rows)


def gain_chosen_on_others(
    curve: pd.DataFrame, n_samples: int, candidates: Sequence[str], than: str = "personal", seed: int = 0
) -> Gain:
    """The gain of the best of several models, where each user's is the one that is best for the *other* users.

    So no strength is chosen on the windows that test it.
    """
    table = of_each_user(curve[curve["n_samples"] == n_samples])[[*candidates, than]].dropna()
    total = table[list(candidates)].sum()
    chosen = [str((total - row[list(candidates)]).idxmax()) for _, row in table.iterrows()]
    own = np.array([table[name].iloc[place] for place, name in enumerate(chosen)])
    difference = (pd.Series(own, index=table.index) - table[than]).droplevel("n_samples")
    low, high = mean_interval(difference.to_numpy(), seed)
    return Gain(difference, float(difference.mean()), low, high)


def scores(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Accuracy, and recall and F1 averaged over the classes that occur in `y`, each class counting the same.

    Raises ValueError when there is nothing to score.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if y.shape != predicted.shape or y.ndim != 1 or len(y) == 0:
        raise ValueError(f"need as many predictions as labels, at least one; got {predicted.shape} for {y.shape}")
    present = np.unique(y)
    return {
        "accuracy": float((y == predicted).mean()),
        "macro_recall": float(recall_score(y, predicted, labels=present, average="macro", zero_division=0)),
        "macro_f1": float(f1_score(y, predicted, labels=present, average="macro", zero_division=0)),
    }


def scores_of_many(y: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """The same three scores for many models at once. predicted: (n_models, n_windows); each score (n_models,).

    scikit-learn takes milliseconds a model, longer than a personal model trains; `scores` is the reference.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if predicted.ndim != 2 or predicted.shape[1:] != y.shape or len(y) == 0:
        raise ValueError(f"need (n_models, {len(y)}) predictions for {len(y)} labels, at least one; {predicted.shape}")
    present = np.unique(y)
    is_class, says_class = y == present[:, None], predicted[:, None] == present[:, None]
    right = (is_class & says_class).sum(2)
    return {
        "accuracy": (predicted == y).mean(1),
        "macro_recall": (right / is_class.sum(1)).mean(1),
        "macro_f1": (2 * right / (is_class.sum(1) + says_class.sum(2))).mean(1),
    }


def confusion_counts(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Windows of each true class (row) given each predicted class (column); (n_classes, n_classes) int."""
    return confusion_matrix(y, predicted, labels=np.arange(n_classes))


def accuracy_interval(n_right: int, n_windows: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson interval of an accuracy, as if windows were independent; neighbours are not, so it is too narrow."""
    interval = binomtest(int(n_right), int(n_windows)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)
