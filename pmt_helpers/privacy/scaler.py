"""A scaler that gives nobody away: from public knowledge alone, or from noisy, clipped moments. Notebook 05."""

import re

import numpy as np

from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.privacy.noise import Grid, known_noise

G = 9.81  # m/s2
# Typical value and spread of each feature, as its definition and human movement let one expect them before any
# measurement: a window's ten bins share its readings, gravity is the largest steady acceleration, shaking is a third
# of it, limbs swing about once a second. Round numbers, the same for every data set of these features.
EXPECTED = (
    (r"[XYZ]\d", 0.1, 0.05),
    (r"[XYZ]AVG", 0.0, G / 2),
    (r"[XYZ]PEAK", 1000.0, 1000.0),
    (r"[XYZ](ABSOLDEV|STANDDEV)", G / 3, G / 3),
    (r"RESULTANT", G, G / 3),
)
RANGE = 4.0  # public scales on either side of the typical value, beyond which a value is cut
NORM = 3.5  # of a unit's moments, beyond which they are cut: nearly never where features spread as expected
MIN_SPREAD = 0.1  # no feature is taken to spread less than this share of the public scale


def public_scaler(feature_names: tuple[str, ...]) -> Preprocessor:
    """Mean and scale of the 43 features from their definitions; no data set is looked at.

    Raises ValueError for a feature whose definition is not known here.
    """
    typical = []
    for name in feature_names:
        known = [values for pattern, *values in EXPECTED if re.fullmatch(pattern, name)]
        if not known:
            raise ValueError(
                f"feature_names hold {name!r}, about which nothing is publicly known. Name features as "
                "extract_features does, or pass a Preprocessor of your own, made without the volunteers' windows"
            )
        typical.append(known[0])
    mean, scale = np.array(typical, np.float32).T
    return Preprocessor(mean, scale)


def private_scaler(
    X: np.ndarray, groups: np.ndarray, feature_names: tuple[str, ...], noise_multiplier: float,
    rng: np.random.Generator | None = None,
) -> Preprocessor:  # fmt: skip
    """Mean and scale of (n_windows, n_features) raw windows as one noisy release; the number of units is public.

    groups: (n_windows,), the unit (window or person) that each window is part of. Each unit's first and second moments
    are cut to norm NORM, averaged, and noised with deviation noise_multiplier x NORM / n_units. A missing value counts
    as the typical one. noise_multiplier 0 adds none, and then nothing is guaranteed. rng: known noise, which hides
    nothing.
    """
    if np.shape(X) != (len(groups), len(feature_names)) or not len(groups):
        asked = (
            f"a row for each of the {len(groups)} groups, a column for each of the {len(feature_names)} feature_names"
        )
        raise ValueError(f"X must have {asked}; got {np.shape(X)}")
    start = public_scaler(feature_names)
    grid = Grid(NORM, noise_multiplier * NORM)
    moments = unit_moments(X, groups, start)
    total = np.sum([grid.truncated(unit) for unit in moments], axis=0)
    first, second = np.split(grid.published(total, known_noise(rng)) / len(moments), 2)
    mean = np.clip(first, -1, 1)
    spread = np.sqrt(np.maximum(second - mean**2, (MIN_SPREAD / RANGE) ** 2))
    reach = RANGE * start.scale
    return Preprocessor((start.mean + reach * mean).astype(np.float32), (reach * spread).astype(np.float32))


def unit_moments(X: np.ndarray, groups: np.ndarray, start: Preprocessor) -> np.ndarray:
    """Each unit's mean and mean square of features cut to RANGE and brought to -1..1; (n_units, 2 x n_features)."""
    values = np.clip(start.transform(X).astype(np.float64) / RANGE, -1, 1)
    moments = np.hstack([values, values**2])
    _, unit = np.unique(groups, return_inverse=True)
    totals = np.zeros((unit.max() + 1, moments.shape[1]))
    np.add.at(totals, unit, moments)
    return totals / np.bincount(unit)[:, None]
