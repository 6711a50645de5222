"""A raw recording, before it is cut into windows. Notebook 01, step 1."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Recording:
    """One person doing one exercise with one arm.

    number: its place in the file, the same as in ActivityData.recordings. signal: (n_readings, 3) float64, read-only,
    acceleration in m/s2 with gravity, axes x, y, z of the device. side: "left" or "right".
    """

    number: int
    signal: np.ndarray
    rate_hz: float
    user: int
    class_name: str
    side: str

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.signal) / self.rate_hz
