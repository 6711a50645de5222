"""Scaling features and filling gaps, with numbers learnt from other people only. Notebook 01, step 3."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Preprocessor:
    """Brings each feature to mean 0 and deviation 1 and puts the mean where a value is missing.

    `mean` and `scale` are (n_features,) float32; they travel with the shared model, so they are part of what it tells
    about the volunteers.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray) -> "Preprocessor":
        """Learn from (n_windows, n_features); NaN is ignored. Raises ValueError for a feature that is never there."""
        if len(X) == 0:
            raise ValueError("cannot learn a scale from zero windows")
        never = np.isnan(X).all(axis=0)
        if never.any():
            raise ValueError(f"feature columns {np.flatnonzero(never).tolist()} hold no value at all")
        scaler = StandardScaler().fit(np.asarray(X, np.float64))
        return cls(scaler.mean_.astype(np.float32), scaler.scale_.astype(np.float32))

    def transform(self, X: np.ndarray) -> np.ndarray:
        """(n_windows, n_features) to the same, float32, without NaN. Raises ValueError for another width, infinity."""
        X = np.asarray(X, np.float32)
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise ValueError(f"this model takes (n_windows, {len(self.mean)}) features; got {X.shape}")
        if np.isinf(X).any():
            raise ValueError(f"{np.isinf(X).any(axis=1).sum()} of {len(X)} windows hold infinity; drop them first")
        return np.nan_to_num((X - self.mean) / self.scale, nan=0.0)
