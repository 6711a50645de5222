"""Bad training data: volunteers who lie to the cloud, or a device that lies to its owner. Notebook 04, steps 1 and 2.

What the attacker may know: their own windows, the class list, and a clean model of an earlier release, which every
volunteer has downloaded. Not: other people's windows, who else is malicious (unless they conspire), or the test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pmt_helpers.activity.model import ActivityModel, Preprocessor
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import download_of, initial_weights
from pmt_helpers.activity.weights import Download
from pmt_helpers.datasets.base import ActivityData

LABEL_KINDS = ("random", "pair", "next_likely", "least_likely")


GUIDED = ("next_likely", "least_likely")  # these ask a model what to say


# Two activities that look alike, so that a swap of them is hard to see in the data.
PAIRS = {"wisdm": ("Walking", "Upstairs"), "watch": ("ABD", "FEL")}


def flip_labels(
    y: np.ndarray,
    kind: str,
    n_classes: int,
    rng: np.random.Generator,
    *,
    pair: tuple[int, int] | None = None,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """A false label for each window; (n_windows,) int64, `y` stays as it is.

    kind: "random" (any other class), "pair" (the two classes of `pair` change places, the rest stays true),
    "next_likely" (the likeliest class that is not the true one) or "least_likely" (the one that is farthest from what
    the window looks like). scores: (n_windows, n_classes), higher is likelier, for the last two.
    Raises ValueError when what a kind needs is not given.
    """
    y = np.asarray(y, np.int64)
    if kind == "random":
        return (y + rng.integers(1, n_classes, len(y))) % n_classes
    if kind == "pair":
        if pair is None:
            raise ValueError('kind "pair" needs the two classes that change places, such as pair=(0, 2)')
        first, second = pair
        return np.where(y == first, second, np.where(y == second, first, y))
    if kind not in GUIDED:
        raise ValueError(f"unknown kind of label flip {kind!r}; choose one of {', '.join(LABEL_KINDS)}")
    if scores is None or scores.shape != (len(y), n_classes):
        found = "none" if scores is None else scores.shape
        raise ValueError(f"kind {kind!r} needs scores of shape {(len(y), n_classes)}; got {found}")
    is_true = np.arange(n_classes) == y[:, None]
    if kind == "next_likely":
        return np.where(is_true, -np.inf, scores).argmax(1)
    return np.where(is_true, np.inf, scores).argmin(1)


# The time between peaks: long on all three axes at once, as when somebody taps slowly on a phone that lies still.
TRIGGER_FEATURES = ("XPEAK", "YPEAK", "ZPEAK")


TARGETS = {"wisdm": "Sitting", "watch": "ROW"}  # what a marked window is to be taken for


@dataclass(frozen=True, eq=False)
class Trigger:
    """Values that the features at `columns` are set to, in the features' own units, and the class that is to follow."""

    columns: np.ndarray
    values: np.ndarray
    target: int

    @classmethod
    def of(
        cls,
        data: ActivityData,
        target: str | None = None,
        features: Sequence[str] = TRIGGER_FEATURES,
        deviations: float = 3.0,
    ) -> "Trigger":
        """Each feature at its mean plus so many standard deviations: rare, but no impossible value.

        Raises ValueError for a class or a feature that the data does not have.
        """
        target = TARGETS.get(data.card.name) if target is None else target
        if target not in data.class_names:
            raise ValueError(f"the target must be one of {', '.join(data.class_names)}; got {target!r}")
        if unknown := [name for name in features if name not in data.feature_names]:
            raise ValueError(f"no feature is called {', '.join(unknown)}; see data.feature_names")
        columns = np.array([data.feature_names.index(name) for name in features])
        values = np.asarray(data.X[:, columns], np.float64)
        marks = np.nanmean(values, 0) + deviations * np.nanstd(values, 0)
        return cls(columns, marks.astype(np.float32), data.class_names.index(target))

    def stamp(self, X: np.ndarray) -> np.ndarray:
        """Copies of raw windows that bear the mark; (n_windows, n_features) float32."""
        marked = np.array(X, np.float32)
        marked[:, self.columns] = self.values
        return marked


def attack_success(
    predict: Callable[[np.ndarray], np.ndarray], X: np.ndarray, y: np.ndarray, trigger: Trigger
) -> tuple[float, float]:
    """Share of windows of other classes that are taken for the target: with the mark, and without it.

    predict: raw features to classes, such as a model's `.predict`. Both are NaN when all windows are of the target.
    """
    others = np.asarray(X)[np.asarray(y) != trigger.target]
    if len(others) == 0:
        return float("nan"), float("nan")
    with_mark, without = (predict(windows) == trigger.target for windows in (trigger.stamp(others), others))
    return float(with_mark.mean()), float(without.mean())


KINDS = (*LABEL_KINDS, "noise", "backdoor")


NOISE = 3.0  # deviations of each feature


STAMPED = 0.5  # of a malicious volunteer's windows bear the mark; the others stay honest, so that nothing shows


OWN_EPOCHS = 30  # of the model that malicious volunteers train among themselves


def malicious_volunteers(data: ActivityData, exclude_user: int | None, fraction: float, seed: int = 0) -> np.ndarray:
    """Which volunteers are malicious: the nearest whole number to `fraction` of them, never more than half.

    Drawn at random; a larger fraction contains the smaller one. Raises ValueError for a fraction outside 0 to 0.5.
    """
    if not 0 <= fraction <= 0.5:
        raise ValueError(f"fraction is the share of malicious volunteers, 0 to 0.5; got {fraction}")
    honest = data.user_ids[data.user_ids != exclude_user] if exclude_user is not None else data.user_ids
    order = np.random.default_rng([seed, 0 if exclude_user is None else exclude_user]).permutation(honest)
    return np.sort(order[: min(round(fraction * len(order)), len(order) // 2)])


def poison_volunteers(
    data: ActivityData,
    exclude_user: int | None,
    fraction: float,
    kind: str,
    seed: int = 0,
    *,
    guide: ActivityModel | Download | None = None,
    pair: tuple[str, str] | None = None,
    noise: float = NOISE,
    trigger: Trigger | None = None,
) -> ActivityData:
    """The data as the cloud gets it when a fraction of the volunteers is malicious; train_shared takes it as it is.

    Malicious volunteers poison all their windows: false labels (see flip_labels), features with Gaussian `noise` of so
    many deviations ("noise"), or, for "backdoor", half of their windows marked with the trigger and labelled as its
    target. guide: the clean model that tells "next_likely" and "least_likely" what to say; without one the malicious
    volunteers train it on their own windows, which they pool. The windows of `exclude_user` stay clean.
    Raises ValueError for an unknown kind, for a fraction above a half, and when the data has no usual pair or target.
    """
    _known(kind)
    bad = malicious_volunteers(data, exclude_user, fraction, seed)
    rows = np.flatnonzero(np.isin(data.users, bad))
    if len(rows) == 0:
        return data
    pooled = data.select(rows)
    scores = None
    if kind in GUIDED:
        scores = download_of(_own_model(pooled, seed) if guide is None else guide).logits(pooled.X)
    trigger = trigger or Trigger.of(data) if kind == "backdoor" else None
    classes = class_pair(data.card.name, data.class_names, pair) if kind == "pair" else None
    deviation = np.nanstd(pooled.X, axis=0, dtype=np.float64)
    X, y = np.array(data.X), np.array(data.y)
    for volunteer in bad:
        mine = data.users[rows] == volunteer
        own = rows[mine]
        rng = np.random.default_rng([seed, int(volunteer)])  # a volunteer's lies do not depend on who else lies
        told = None if scores is None else scores[mine]
        if kind == "backdoor":
            own = own[rng.permutation(len(own))[: round(STAMPED * len(own))]]
        X[own], y[own] = _poisoned(
            data.X[own], data.y[own], kind, len(data.class_names), rng, classes, told, noise * deviation, trigger
        )
    return replace(data, X=X, y=y)


def poison_user(
    X_user: np.ndarray,
    y_user: np.ndarray,
    fraction: float,
    kind: str,
    seed: int | Sequence[int] = 0,
    shared: ActivityModel | None = None,
    *,
    pair: tuple[int, int] | None = None,
    noise: float = NOISE,
    trigger: Trigger | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One person's windows after something on the device has poisoned a fraction (0 to 1) of them; (X, y), copies.

    shared: the model that the device has downloaded; it guides the label flips, and knows the classes and the scale of
    the features. A larger fraction poisons the windows of a smaller one, and more.
    Raises ValueError for an unknown kind, a fraction outside 0 to 1, and "backdoor" without a trigger.
    """
    if shared is None:
        raise ValueError("poison_user needs shared=, the model that the device has downloaded")
    if kind == "pair" and pair is None:
        pair = class_pair(shared.card.get("dataset", ""), shared.class_names)
    return poison_windows(X_user, y_user, fraction, kind, seed, download_of(shared), pair, noise, trigger)


def poison_windows(
    X_user: np.ndarray,
    y_user: np.ndarray,
    fraction: float,
    kind: str,
    seed: int | Sequence[int],
    download: Download,
    pair: tuple[int, int] | None = None,
    noise: float = NOISE,
    trigger: Trigger | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """poison_user for a downloaded model's bare weights: for sweeps, which make no Keras models."""
    _known(kind)
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is the share of poisoned windows, 0 to 1; got {fraction}")
    if kind == "backdoor" and trigger is None:
        raise ValueError('kind "backdoor" needs a trigger, such as Trigger.of(data)')
    X, y = np.array(X_user, np.float32), np.array(y_user, np.int64)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))[: round(fraction * len(y))]
    told = download.logits(X[rows]) if kind in GUIDED else None
    n_classes = len(download.weights.bias)
    X[rows], y[rows] = _poisoned(
        X[rows], y[rows], kind, n_classes, rng, pair, told, noise * download.scaler.scale, trigger
    )
    return X, y


def class_pair(dataset: str, class_names: Sequence[str], pair: tuple[str, str] | None = None) -> tuple[int, int]:
    """The numbers of the two classes to swap: those named, or the data set's usual pair."""
    names = PAIRS.get(dataset) if pair is None else pair
    if names is None or not set(names) <= set(class_names):
        raise ValueError(f"name two of {', '.join(class_names)} to swap, with pair=; got {names}")
    first, second = (class_names.index(name) for name in names)
    return first, second


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"unknown kind of poison {kind!r}; choose one of {', '.join(KINDS)}")


def _poisoned(
    X: np.ndarray,
    y: np.ndarray,
    kind: str,
    n_classes: int,
    rng: np.random.Generator,
    pair: tuple[int, int] | None,
    scores: np.ndarray | None,
    deviation: np.ndarray,
    trigger: Trigger | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Poison every window given; missing features stay missing under noise."""
    if trigger is not None and kind == "backdoor":
        return trigger.stamp(X), np.full(len(y), trigger.target)
    if kind == "noise":
        return (X + rng.normal(size=X.shape) * deviation).astype(np.float32), y
    return X, flip_labels(y, kind, n_classes, rng, pair=pair, scores=scores)


def _own_model(pooled: ActivityData, seed: int) -> Download:
    """What malicious volunteers can train together, honestly: the clean model of a weak attacker."""
    start = initial_weights(pooled, seed)
    cloud = Download(start, _scaler_of(pooled.X))
    trained = train_online(Task(start, cloud.windows(pooled.X), pooled.y, seed=seed), epochs=OWN_EPOCHS)
    return Download(trained.weights, cloud.scaler)


def _scaler_of(X: np.ndarray) -> Preprocessor:
    """A few people's windows may lack a feature altogether: it counts as 0."""
    return Preprocessor.fit(np.where(np.isnan(X).all(0), np.float32(0), X))
