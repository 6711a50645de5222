"""Numbers that would void the guarantee are refused, each with its reason."""

import math

import pytest

from pmt_helpers.privacy import Mechanism
from pmt_helpers.privacy.accountant import check_level, check_target

GOOD = {"clip": 1.0, "noise_multiplier": 1.1, "sampling": 0.06, "steps": 500}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"noise_multiplier": 0.0}, "Without noise there is no guarantee"),
        ({"noise_multiplier": -1.0}, "above 0"),
        ({"noise_multiplier": math.nan}, "above 0"),
        ({"clip": None}, "as far as it likes"),
        ({"clip": 0.0}, "above 0"),
        ({"clip": math.inf}, "as far as it likes"),
        ({"batches": "shuffled"}, "not the coin flips"),
        ({"batches": "fixed"}, "too small for them"),
        ({"sampling": 0.0}, "probability"),
        ({"sampling": 1.5}, "probability"),
        ({"steps": 0}, "whole number"),
        ({"steps": 2.5}, "whole number"),
    ],
)
def test_a_mechanism_without_a_guarantee_cannot_be_made(changed: dict, reason: str) -> None:
    assert Mechanism(**GOOD)
    with pytest.raises(ValueError, match=reason):
        Mechanism(**{**GOOD, **changed})


@pytest.mark.parametrize(
    ("epsilon", "delta", "reason"),
    [(0.0, 1e-5, "epsilon"), (-1.0, 1e-5, "epsilon"), (1.0, 0.0, "delta"), (1.0, 1.0, "delta"), (1.0, 0.02, "1/50")],
)
def test_a_target_that_says_nothing_is_refused(epsilon: float, delta: float, reason: str) -> None:
    check_target(1.0, 1e-5, 50)
    with pytest.raises(ValueError, match=reason):
        check_target(epsilon, delta, 50)


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(ValueError, match="'window'"):
        check_level("window")
