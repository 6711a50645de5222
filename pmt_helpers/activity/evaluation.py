"""How good a model is, and what personalising changes for each person: metrics, paired gains, intervals. Notebook 02.

Start with `scores` for one model, and with `paired_gain` for what is gained, for whom, and who is made worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # its parts load on first use: scipy.stats takes a second that the first figure need not wait for

LEVEL = 0.95
RESAMPLES = 9999
ROUNDING = 1e-9  # smaller differences of two accuracies are rounding


def scores(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Accuracy, and recall (balanced accuracy) and F1 averaged over the classes that occur in `y`.

    Raises ValueError when there is nothing to score.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if y.shape != predicted.shape or y.ndim != 1 or len(y) == 0:
        raise ValueError(f"need as many predictions as labels, at least one; got {predicted.shape} for {y.shape}")
    from sklearn.metrics import f1_score, recall_score  # as slow to load as scipy.stats

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
    is_class, is_predicted = y == present[:, None], predicted[:, None] == present[:, None]
    n_right = (is_class & is_predicted).sum(2)
    return {
        "accuracy": (predicted == y).mean(1),
        "macro_recall": (n_right / is_class.sum(1)).mean(1),
        "macro_f1": (2 * n_right / (is_class.sum(1) + is_predicted.sum(2))).mean(1),
    }


def confusion_counts(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Windows of each true class (row) given each predicted class (column); (n_classes, n_classes) int."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(y, predicted, labels=np.arange(n_classes))


def accuracy_interval(n_right: int, n_windows: int) -> tuple[float, float]:
    """Wilson interval (95%) of an accuracy, as if windows were independent; neighbours are not, so it is too narrow."""
    interval = scipy.stats.binomtest(int(n_right), int(n_windows)).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Gain:
    """How much better one model is than another, person by person.

    by_user: the difference of accuracies of each user, folds (and seeds) averaged; mean over users, and the interval of
    that mean from `low` to `high`; `harmed` users are worse off. n_groups: people, or groups of people who were
    recorded together and so tell less than as many strangers.
    """

    by_user: pd.Series
    mean: float
    low: float
    high: float
    n_groups: int

    @classmethod
    def of(cls, by_user: pd.Series, seed: int, groups: pd.Series | None = None) -> "Gain":
        """Mean and 95% interval of each user's gain.

        The interval resamples users. With `groups` (by user) it is Student's t over the means of the groups: a
        bootstrap of five pairs would be too narrow.
        """
        together = group_means(by_user, groups)
        if len(together) < len(by_user):
            low, high = t_interval(together.to_numpy())
        else:
            low, high = mean_interval(by_user.to_numpy(), seed)
        return cls(by_user, float(by_user.mean()), low, high, len(together))

    @property
    def harmed(self) -> list[int]:
        """Users for whom the first model is worse, the worst first."""
        worse = self.by_user[self.by_user < -ROUNDING].sort_values()
        return [int(user) for user in worse.index]

    def __str__(self) -> str:
        n = len(self.by_user)
        whom = f"{n} people" if self.n_groups == n else f"{self.n_groups} groups of people recorded together"
        interval = f"{100 * self.low:+z.1f} to {100 * self.high:+z.1f} over {whom}"
        return f"{100 * self.mean:+z.1f} points (95% interval {interval}), worse for {len(self.harmed)} of {n}"


def user_means(curve: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of a learning curve, mean over folds and seeds: one row per (user, n_samples), one column per model."""
    return curve.groupby(["user", "n_samples", "model"])["accuracy"].mean().unstack("model")


def paired_gain(
    curve: pd.DataFrame, n_samples: int, model: str = "personal", baseline: str = "shared", seed: int = 0
) -> Gain:
    """Accuracy of `model` minus that of `baseline` at one number of samples, for the users who have as many.

    The interval is over users, each with both models, or over the curve's groups. Raises ValueError when nobody has
    both.
    """
    table = user_means(curve[curve["n_samples"] == n_samples])
    if not {model, baseline} <= set(table.columns) or table[[model, baseline]].dropna().empty:
        sizes = sorted(curve["n_samples"].unique().tolist())
        raise ValueError(
            f"no user has both model {model!r} and baseline {baseline!r} at n_samples {n_samples}; sizes are {sizes}"
        )
    return Gain.of((table[model] - table[baseline]).dropna().droplevel("n_samples"), seed, groups_of(curve))


def gain_chosen_on_others(
    curve: pd.DataFrame, n_samples: int, candidates: Sequence[str], baseline: str = "personal", seed: int = 0
) -> Gain:
    """The gain of the best of several models, where each user's is the one that is best for the *other* users.

    So no strength is chosen on the windows that test it.
    """
    candidates = list(dict.fromkeys(candidates))
    table = user_means(curve[curve["n_samples"] == n_samples])[[*candidates, baseline]].dropna()
    total = table[candidates].sum()
    accuracy = [row[str((total - row[candidates]).idxmax())] for _, row in table.iterrows()]
    gains = (pd.Series(accuracy, index=table.index) - table[baseline]).droplevel("n_samples")
    return Gain.of(gains, seed, groups_of(curve))


def groups_of(curve: pd.DataFrame) -> pd.Series | None:
    """The group of each user, where the curve says it."""
    return curve.groupby("user")["group"].first() if "group" in curve else None


def group_means(by_user: pd.Series, groups: pd.Series | None) -> pd.Series:
    """What counts as one in an interval: the mean of each group, or each user where there are no groups."""
    return by_user if groups is None else by_user.groupby(groups).mean()


def gains_at(curves: Mapping[str, pd.DataFrame], sizes: Sequence[int]) -> pd.DataFrame:
    """Gains of personal over shared in several curves (by the name of their split), as a table.

    Columns: split, n_samples, mean, low, high, harmed (number of people), users.
    """
    rows = []
    for split, curve in curves.items():
        for size in sizes:
            gain = paired_gain(curve, size)
            interval = {"mean": gain.mean, "low": gain.low, "high": gain.high}
            people = {"harmed": len(gain.harmed), "users": len(gain.by_user)}
            rows.append({"split": split, "n_samples": size, **interval, **people})
    return pd.DataFrame(rows)


def mean_interval(values: Sequence[float] | np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval (95%) of a mean; (NaN, NaN) for fewer than two values."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return float("nan"), float("nan")
    interval = scipy.stats.bootstrap(
        (values,), np.mean, confidence_level=LEVEL, n_resamples=RESAMPLES, method="percentile", rng=seed, batch=1000
    ).confidence_interval
    return float(interval.low), float(interval.high)


def t_interval(values: np.ndarray) -> tuple[float, float]:
    """Student's t interval (95%) of a mean."""
    half = scipy.stats.t.ppf(0.5 + LEVEL / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def mean_curve(curve: pd.DataFrame, min_users: int = 5, score: str = "accuracy") -> pd.DataFrame:
    """Mean over users at each size that `min_users` have: model, n_samples, the score, lower, upper, users.

    lower and upper bound a 95% interval over users (or groups of them) by Student's t: a bootstrap at every size is
    slow.
    """
    rows = []
    for (model, n_samples), group in curve.groupby(["model", "n_samples"], sort=True):
        by_user = group.groupby("user")[score].mean()
        if len(by_user) < max(min_users, 2):
            continue
        lower, upper = t_interval(group_means(by_user, groups_of(group)).to_numpy())
        interval = {score: by_user.mean(), "lower": lower, "upper": upper}
        rows.append({"model": model, "n_samples": n_samples, **interval, "users": len(by_user)})
    return pd.DataFrame(rows)


def crossing(curve: pd.DataFrame, model: str, baseline: str, min_users: int = 2) -> float:
    """The number of samples from which on `model` stays ahead of `baseline` on average; NaN when it never does.

    Each size compares the users who have as many samples, both models on the same users; sizes that fewer than
    `min_users` have are left out.
    """
    table = user_means(curve)
    by_size = (table[model] - table[baseline]).dropna().groupby("n_samples").agg(["mean", "size"])
    means = by_size.loc[by_size["size"] >= min_users, "mean"]
    behind = means.index[means <= 0]
    ahead = means.index if len(behind) == 0 else means.index[means.index > behind.max()]
    return float(ahead.min()) if len(ahead) else float("nan")


def ahead_until(curve: pd.DataFrame, model: str, baseline: str) -> float:
    """The largest number of samples at which `model` is still ahead of `baseline` on average; 0 when it never is."""
    table = user_means(curve)
    means = (table[model] - table[baseline]).dropna().groupby("n_samples").mean()
    return float(means.index[means > 0].max()) if (means > 0).any() else 0.0


def curve_distance(curve: pd.DataFrame, paper: pd.DataFrame, most: int = 90) -> float:
    """Absolute difference of accuracy of two mean curves, averaged over sizes 1 to `most` and models.

    Both: model, n_samples, accuracy. Only models that both have count; sizes in between are interpolated.
    """
    sizes = np.arange(1, most + 1)
    differences = []
    for model in sorted(set(curve["model"]) & set(paper["model"])):
        means = [frame[frame["model"] == model].groupby("n_samples")["accuracy"].mean() for frame in (curve, paper)]
        ours, theirs = (np.interp(sizes, mean.index.to_numpy(float), mean.to_numpy()) for mean in means)
        differences.append(np.abs(ours - theirs).mean())
    return float(np.mean(differences))
