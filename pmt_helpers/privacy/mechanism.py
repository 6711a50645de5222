"""What is done to the gradients, in four numbers; numbers that would void the guarantee are refused. Notebook 04."""

import math
from dataclasses import dataclass

LEVELS = ("example", "user")


@dataclass(frozen=True)
class Mechanism:
    """DP-SGD's noisy sum, `steps` times: each unit takes part with probability `sampling`, its gradient is clipped.

    A unit is what is protected: one window, or one volunteer with all their windows. clip: the largest L2 norm of one
    unit's gradient; noise_multiplier: standard deviation of the noise on each coordinate of the sum, in clips.
    batches: how units are drawn; the accountant's sums hold for "poisson" alone.
    Raises ValueError for numbers with which nothing is guaranteed.
    """

    clip: float
    noise_multiplier: float
    sampling: float
    steps: int
    batches: str = "poisson"

    def __post_init__(self) -> None:
        check_clip(self.clip)
        if not (_is_number(self.noise_multiplier) and 0 < self.noise_multiplier < math.inf):
            raise ValueError(
                f"noise_multiplier must be a number above 0; got {self.noise_multiplier!r}. Without noise there is no "
                "guarantee: any two sums can be told apart"
            )
        check_schedule(self.sampling, self.steps)
        if self.batches != "poisson":
            raise ValueError(
                f'batches must be "poisson"; got {self.batches!r}. Shuffled or fixed-size batches are not the coin '
                "flips that the accountant counts on, and its epsilon would be too small for them"
            )


def check_clip(clip: float) -> None:
    """Raises ValueError unless clip is a number above 0."""
    if not (_is_number(clip) and 0 < clip < math.inf):
        raise ValueError(
            f"clip must be a number above 0; got {clip!r}. Without it one unit can move the sum as far as it likes, "
            "and no noise is large enough"
        )


def check_schedule(sampling: float, steps: int) -> None:
    """Raises ValueError unless sampling is a probability above 0 and steps a whole number from 1 on."""
    if not (_is_number(sampling) and 0 < sampling <= 1):
        raise ValueError(f"sampling is each unit's probability in a step, above 0 and at most 1; got {sampling!r}")
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number from 1 on; got {steps!r}")


def check_target(epsilon: float, delta: float, n_units: int) -> None:
    """Raises ValueError for an epsilon or delta that says nothing about `n_units` protected windows or people."""
    if not (_is_number(epsilon) and epsilon > 0):
        raise ValueError(f"epsilon must be a number above 0 (math.inf for no noise at all); got {epsilon!r}")
    if not (_is_number(delta) and 0 < delta < 1):
        raise ValueError(f"delta must be above 0 and far below 1; got {delta!r}. Gaussian noise never reaches delta 0")
    if delta * n_units >= 1:
        raise ValueError(
            f"delta {delta:g} is not below 1/{n_units}: publishing one of the {n_units} units whole would be allowed. "
            f"Take one well below {1 / n_units:.1e}"
        )


def check_level(level: str) -> None:
    """Raises ValueError for a level that is none."""
    if level not in LEVELS:
        raise ValueError(f'level must be "example" (a window is protected) or "user" (a person is); got {level!r}')


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
