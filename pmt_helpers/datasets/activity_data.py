"""Labelled windows of movement, ready for a model: what load_activity returns. Notebooks 01, 02, 04 and 05."""

from dataclasses import dataclass, replace

import numpy as np

from pmt_helpers.datasets.cards import DataCard

_ARRAYS = ("X", "y", "users", "recordings", "starts")


@dataclass(frozen=True, eq=False, repr=False)
class ActivityData:
    """One row a window. The arrays are read-only, so that everybody can share one copy.

    X: (n, n_features) float32, NaN = missing. y: (n,) int64, index into class_names. users: (n,) int64.
    recordings: (n,) int64, number of the recording or bout, unique over users.
    starts: (n,) int64, first reading of the window inside its recording (row number where readings are not known).
    window_readings: readings in a window; 0 where windows never overlap.
    Raises ValueError when shapes, types or labels do not fit together.
    """

    X: np.ndarray
    y: np.ndarray
    users: np.ndarray
    recordings: np.ndarray
    starts: np.ndarray
    window_readings: int
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    card: DataCard

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            dtype = np.float32 if name == "X" else np.int64
            view = np.asarray(getattr(self, name), dtype=dtype).view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)
        shape = (len(self.y), len(self.feature_names))
        if self.X.shape != shape:
            raise ValueError(f"X has shape {self.X.shape}, expected (windows, features) = {shape}")
        for name in _ARRAYS[1:]:
            if getattr(self, name).shape != (len(self.y),):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected one value a window")
        if np.isinf(self.X).any():
            raise ValueError("X holds infinite values; only finite numbers and NaN (missing) are allowed")
        if len(self.y) and not (self.y.min() >= 0 and self.y.max() < len(self.class_names)):
            raise ValueError(f"y runs from {self.y.min()} to {self.y.max()}, expected 0 to {len(self.class_names) - 1}")

    @property
    def user_ids(self) -> np.ndarray:
        """The users who have windows here, in ascending order."""
        return np.unique(self.users)

    @property
    def summary(self) -> str:
        """How much there is, in one phrase."""
        return f"{len(self):,} windows of {len(self.user_ids)} people"

    def select(self, mask: np.ndarray) -> "ActivityData":
        """The windows that mask (boolean, or indices) picks, in its order."""
        return replace(self, **{name: getattr(self, name)[mask] for name in _ARRAYS})

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        sizes = f"{len(self):,} windows, {len(self.user_ids)} users, {len(self.class_names)} classes"
        return f"ActivityData({self.card.name}: {sizes}, {len(self.feature_names)} features)"
