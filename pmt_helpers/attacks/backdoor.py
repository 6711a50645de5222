"""A backdoor: a mark in the features that makes the model say what the attacker wants. Notebook 04, step 2.

Without the mark the model works as before, so no accuracy gives the attack away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pmt_helpers.datasets.activity_data import ActivityData

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
