"""Bad training data: poisoned volunteers, or a poisoned device at home. Notebook 04.

What the attacker may know: their own windows, the class list, and a clean model of an earlier release, which every
volunteer has downloaded. Not: other people's windows, who else is malicious (unless they conspire), or the test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import initial_weights
from pmt_helpers.activity.weights import Checkpoint, Preprocessor
from pmt_helpers.datasets import activity_names, load_card
from pmt_helpers.datasets.base import ActivityData

LABEL_KINDS = ("random", "pair", "next_likely", "least_likely")
MODEL_GUIDED = ("next_likely", "least_likely")  # these ask a model which label to choose
KINDS = (*LABEL_KINDS, "noise", "backdoor")
NOISE = 3.0  # standard deviations of each feature

# The time between peaks: long on all three axes at once, as when somebody taps slowly on a phone that lies still.
TRIGGER_FEATURES = ("XPEAK", "YPEAK", "ZPEAK")
TRIGGER_DEVIATIONS = 3.0  # above the mean: rare, but no impossible value
POISONED_FRACTION = 0.5  # of a malicious volunteer's windows get the trigger; the others stay honest, to hide it

GUIDE_EPOCHS = 30  # of the model that malicious volunteers train among themselves


def flip_labels(
    y: np.ndarray,
    kind: str,
    n_classes: int,
    rng: np.random.Generator,
    *,
    pair: tuple[int, int] | None = None,
    class_scores: np.ndarray | None = None,
) -> np.ndarray:
    """A false label for each window; (n_windows,) int64, `y` stays as it is.

    Raises ValueError for an unknown kind, and when what a kind needs is not given.

    Parameters
    ----------
    kind : "random" (any other class), "pair" (the two classes of `pair` change places, the rest stays true),
        "next_likely" (the likeliest class that is not the true one) or "least_likely"
    class_scores : (n_windows, n_classes), higher is likelier, for "next_likely" and "least_likely"
    """
    y = np.asarray(y, np.int64)
    if kind == "random":
        return (y + rng.integers(1, n_classes, len(y))) % n_classes
    if kind == "pair":
        if pair is None:
            raise ValueError('kind "pair" needs the two classes that change places, such as pair=(0, 2)')
        first, second = pair
        return np.where(y == first, second, np.where(y == second, first, y))
    if kind not in MODEL_GUIDED:
        raise ValueError(f"unknown kind of label flip {kind!r}; choose one of {', '.join(LABEL_KINDS)}")
    if class_scores is None or class_scores.shape != (len(y), n_classes):
        got = "none" if class_scores is None else class_scores.shape
        raise ValueError(f"kind {kind!r} needs scores of shape {(len(y), n_classes)}; got {got}")
    is_true = np.arange(n_classes) == y[:, None]
    if kind == "next_likely":
        return np.where(is_true, -np.inf, class_scores).argmax(1)
    return np.where(is_true, np.inf, class_scores).argmin(1)


@dataclass(frozen=True, eq=False)
class Trigger:
    """Values that the features at `columns` are set to, in the features' own units, and the class that is to follow."""

    columns: np.ndarray
    values: np.ndarray
    target: int

    @classmethod
    def from_data(
        cls, data: ActivityData, target: str | None = None, features: Sequence[str] = TRIGGER_FEATURES
    ) -> "Trigger":
        """Each feature at its mean plus three standard deviations; default target: the one on the dataset's card.

        Raises ValueError for a class or a feature that the data does not have.
        """
        target = data.card.backdoor_target if target is None else target
        if target not in data.class_names:
            raise ValueError(f"the target must be one of {', '.join(data.class_names)}; got {target!r}")
        if unknown := [name for name in features if name not in data.feature_names]:
            raise ValueError(f"no feature is called {', '.join(unknown)}; see data.feature_names")
        columns = np.array([data.feature_names.index(name) for name in features])
        X = np.asarray(data.X[:, columns], np.float64)
        values = np.nanmean(X, 0) + TRIGGER_DEVIATIONS * np.nanstd(X, 0)
        return cls(columns, values.astype(np.float32), data.class_names.index(target))

    def apply(self, X: np.ndarray) -> np.ndarray:
        """Copies of raw windows with the trigger; (n_windows, n_features) float32."""
        marked = np.array(X, np.float32)
        marked[:, self.columns] = self.values
        return marked


def attack_success(
    predict: Callable[[np.ndarray], np.ndarray], X: np.ndarray, y: np.ndarray, trigger: Trigger
) -> tuple[float, float]:
    """Share of windows of other classes that are taken for the target: with the trigger, and without it.

    predict: raw features to classes, such as a model's `.predict`. Both are NaN when all windows are of the target.
    """
    others = np.asarray(X)[np.asarray(y) != trigger.target]
    if len(others) == 0:
        return float("nan"), float("nan")
    triggered, clean = (predict(windows) == trigger.target for windows in (trigger.apply(others), others))
    return float(triggered.mean()), float(clean.mean())


@dataclass(frozen=True, eq=False)
class Poison:
    """One kind of poison with all it needs. noise: standard deviation of what is added to each feature."""

    kind: str
    n_classes: int
    noise: np.ndarray
    pair: tuple[int, int] | None
    trigger: Trigger | None

    def apply(
        self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator, class_scores: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Poison every window given; missing features stay missing under noise."""
        if self.kind == "backdoor" and self.trigger is not None:
            return self.trigger.apply(X), np.full(len(y), self.trigger.target)
        if self.kind == "noise":
            return (X + rng.normal(size=X.shape) * self.noise).astype(np.float32), y
        return X, flip_labels(y, self.kind, self.n_classes, rng, pair=self.pair, class_scores=class_scores)


def malicious_volunteers(data: ActivityData, exclude_user: int | None, fraction: float, seed: int = 0) -> np.ndarray:
    """Which volunteers are malicious: the nearest whole number to `fraction` of them, never more than half.

    Drawn at random; a larger fraction contains the smaller one. Raises ValueError for a fraction outside 0 to 0.5.
    """
    if not 0 <= fraction <= 0.5:
        raise ValueError(f"fraction is the share of malicious volunteers, 0 to 0.5; got {fraction}")
    volunteers = data.user_ids[data.user_ids != exclude_user] if exclude_user is not None else data.user_ids
    order = np.random.default_rng([seed, 0 if exclude_user is None else exclude_user]).permutation(volunteers)
    return np.sort(order[: min(round(fraction * len(order)), len(order) // 2)])


def poison_volunteers(
    data: ActivityData,
    exclude_user: int | None,
    fraction: float,
    kind: str,
    seed: int = 0,
    *,
    guide: ActivityModel | Checkpoint | None = None,
    pair: tuple[str, str] | None = None,
    noise: float = NOISE,
    trigger: Trigger | None = None,
) -> ActivityData:
    """The data as the cloud gets it when a fraction of the volunteers is malicious; train_shared takes it as it is.

    Malicious volunteers poison all their windows; for "backdoor", half of them. The windows of `exclude_user` stay
    clean. Raises ValueError for an unknown kind, for a fraction above a half, and when the data has no usual pair or
    target.

    Parameters
    ----------
    kind : a false label (see flip_labels), "noise" (Gaussian, on the features), or "backdoor" (windows get the trigger,
        and its target as label)
    guide : the clean model that "next_likely" and "least_likely" ask; without one the malicious volunteers train it on
        their own windows, which they pool
    noise : in standard deviations of each feature
    """
    _check_kind(kind)
    malicious = malicious_volunteers(data, exclude_user, fraction, seed)
    pooled_rows = np.flatnonzero(np.isin(data.users, malicious))
    if len(pooled_rows) == 0:
        return data
    pooled = data.select(pooled_rows)
    poison = Poison(
        kind,
        len(data.class_names),
        noise * np.nanstd(pooled.X, axis=0, dtype=np.float64),
        class_pair(data.card.name, data.class_names, pair) if kind == "pair" else None,
        trigger or Trigger.from_data(data) if kind == "backdoor" else None,
    )
    class_scores = np.zeros((len(data), len(data.class_names)), np.float32)
    if kind in MODEL_GUIDED:
        clean = Checkpoint.from_model(_train_guide(pooled, seed) if guide is None else guide)
        class_scores[pooled_rows] = clean.logits(pooled.X)
    X, y = np.array(data.X), np.array(data.y)
    for volunteer in malicious:
        rows = pooled_rows[pooled.users == volunteer]
        rng = np.random.default_rng([seed, int(volunteer)])  # so that it does not depend on who else is malicious
        if kind == "backdoor":
            rows = rows[rng.permutation(len(rows))[: round(POISONED_FRACTION * len(rows))]]
        X[rows], y[rows] = poison.apply(data.X[rows], data.y[rows], rng, class_scores[rows])
    return replace(data, X=X, y=y)


def poison_user(
    X_user: np.ndarray,
    y_user: np.ndarray,
    fraction: float,
    kind: str,
    seed: int | Sequence[int] = 0,
    shared: ActivityModel | Checkpoint | None = None,
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
    if kind == "pair" and pair is None and isinstance(shared, ActivityModel):
        pair = class_pair(shared.card.get("dataset", ""), shared.class_names)
    _check_kind(kind)
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is the share of poisoned windows, 0 to 1; got {fraction}")
    if kind == "backdoor" and trigger is None:
        raise ValueError('kind "backdoor" needs a trigger, such as Trigger.from_data(data)')
    cloud = Checkpoint.from_model(shared)
    X, y = np.array(X_user, np.float32), np.array(y_user, np.int64)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))[: round(fraction * len(y))]
    class_scores = cloud.logits(X[rows]) if kind in MODEL_GUIDED else None
    poison = Poison(kind, len(cloud.weights.bias), noise * cloud.scaler.scale, pair, trigger)
    X[rows], y[rows] = poison.apply(X[rows], y[rows], rng, class_scores)
    return X, y


def class_pair(dataset: str, class_names: Sequence[str], pair: tuple[str, str] | None = None) -> tuple[int, int]:
    """The numbers of the two classes to swap: those named, or the similar classes on the dataset's card."""
    names = load_card(dataset).similar_classes if pair is None and dataset in activity_names() else pair
    if names is None or not set(names) <= set(class_names):
        raise ValueError(f"name two of {', '.join(class_names)} to swap, with pair=; got {names}")
    first, second = (class_names.index(name) for name in names)
    return first, second


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"unknown kind of poison {kind!r}; choose one of {', '.join(KINDS)}")


def _train_guide(pooled: ActivityData, seed: int) -> Checkpoint:
    """What malicious volunteers can train together, honestly: the clean model of a weak attacker."""
    start = initial_weights(pooled, seed)
    # A few people's windows may lack a feature altogether: it counts as 0.
    scaler = Preprocessor.fit(np.where(np.isnan(pooled.X).all(0), np.float32(0), pooled.X))
    cloud = Checkpoint(start, scaler)
    trained = train_online(Task(start, cloud.windows(pooled.X), pooled.y, seed=seed), epochs=GUIDE_EPOCHS)
    return Checkpoint(trained.weights, scaler)
