"""One person's windows at home, already split: the private side of the paper's protocol (section III)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pmt_helpers.activity.metrics import accuracy_interval
from pmt_helpers.activity.shared import ActivityModel
from pmt_helpers.activity.splits import UserSplit, split_user
from pmt_helpers.datasets.activity_data import ActivityData

Windows = tuple[np.ndarray, np.ndarray]  # X (n_windows, n_features), y (n_windows,)


@dataclass(frozen=True)
class Person:
    """The windows of one user; `train(n)` and `validation(n)` are those labelled after n training windows."""

    data: ActivityData
    split: UserSplit

    @classmethod
    def of(cls, data: ActivityData, user: int, kind: str = "blocked", fold: int = 0, seed: int = 0) -> "Person":
        """Split a user of `data`; see split_user for the kinds."""
        return cls(data, split_user(data, user, kind, fold, seed=seed))

    def train(self, n_samples: int) -> Windows:
        """The first `n_samples` labelled windows."""
        return self._rows(self.split.first(n_samples).train)

    def validation(self, n_samples: int) -> Windows:
        """The windows put aside for early stopping while the first `n_samples` train: as many, if there are."""
        return self._rows(self.split.first(n_samples).validation)

    @property
    def test(self) -> Windows:
        """The windows that no model trains on."""
        return self._rows(self.split.test)

    @property
    def all(self) -> Windows:
        """Every window of this person: for testing a shared model, which has seen none of them."""
        return self._rows(np.flatnonzero(self.data.users == self.split.user))

    def compare(self, **models: ActivityModel) -> pd.DataFrame:
        """Each named model on the test windows: model, accuracy, lower, upper (a 95% interval), n_test."""
        X, y = self.test
        rows = []
        for name, model in models.items():
            n_right = int((model.predict(X) == y).sum())
            lower, upper = accuracy_interval(n_right, len(y))
            rows.append({"model": name, "accuracy": n_right / len(y), "lower": lower, "upper": upper, "n_test": len(y)})
        return pd.DataFrame(rows)

    def _rows(self, rows: np.ndarray) -> Windows:
        return self.data.X[rows], self.data.y[rows]
