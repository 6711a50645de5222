"""The noise has exactly its distribution, the bytes are secret, and no unit exceeds its bound by a single step."""

import math
import os
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare, kstest, laplace, norm, rv_continuous

from pmt_helpers.privacy import noise, randomised_response
from pmt_helpers.privacy.noise import (
    BITS,
    RESERVE,
    Grid,
    coin_flips,
    draw_noise,
    fill,
    known_noise,
    response_counts,
)

ONE = 2**BITS  # steps in one scale of the noise
SIGNIFICANCE = 0.001  # with bytes of a fixed seed: what passes once passes always
KINDS = [pytest.param(True, norm, id="normal"), pytest.param(False, laplace, id="laplace")]


def assert_follows(steps: np.ndarray, distribution: rv_continuous, scale: float) -> None:
    """Floors of numbers times ONE; `scale` wide cells are counted, and their place within a step is made up."""
    rng = np.random.default_rng(1)
    assert kstest((steps + rng.random(steps.size)) / ONE, distribution.cdf).pvalue > SIGNIFICANCE
    inner = np.arange(-4, 4 + scale / 2, scale)
    counts = np.bincount(np.searchsorted(inner, steps / ONE, side="right"), minlength=inner.size + 1)
    probabilities = np.diff(distribution.cdf(np.concatenate([[-np.inf], inner, [np.inf]])))
    assert chisquare(counts, probabilities * steps.size).pvalue > SIGNIFICANCE


@pytest.mark.parametrize(("normal", "distribution"), KINDS)
def test_the_noise_follows_its_distribution_down_to_the_last_bit(normal: bool, distribution: rv_continuous) -> None:
    steps = draw_noise(1_000_000, normal)
    for scale in (0.25, 2.0):
        assert_follows(steps, distribution, scale)
    assert chisquare(np.bincount(steps & 255, minlength=256)).pvalue > SIGNIFICANCE
    far = np.abs(steps) >= 3.5 * ONE  # where a sum of uniform numbers would have no tail
    assert far.mean() == pytest.approx(2 * distribution.sf(3.5), rel=0.15)
    assert abs(np.corrcoef(steps[:-1], steps[1:])[0, 1]) < 4 / math.sqrt(steps.size)


def test_noise_of_half_the_deviation_or_of_truncated_numbers_would_be_seen() -> None:
    steps = draw_noise(1_000_000)
    with pytest.raises(AssertionError):
        assert_follows(steps * 99 // 100, norm, 0.25)
    towards_zero = np.trunc(steps[:100_000] / ONE)
    assert chisquare([(towards_zero == 0).sum(), (towards_zero != 0).sum()], [34134, 65866]).pvalue < 1e-9


def test_draws_are_not_cut_short_where_the_bytes_end() -> None:
    """Thousands of small buffers: long draws must not be dropped at their ends."""
    rng, steps = np.random.default_rng(2), np.empty(40_000, np.int64)
    done = 0
    while done < steps.size:
        done += fill(np.frombuffer(rng.bytes(RESERVE + 40), np.uint8), steps[done:], True)
    assert_follows(steps, norm, 0.25)


def test_the_bytes_are_those_of_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # of the fixture that makes these tests repeatable
    asked: list[int] = []
    system = os.urandom
    monkeypatch.setattr(os, "urandom", lambda n: asked.append(n) or system(n))  # type: ignore[func-returns-value]
    assert not np.array_equal(draw_noise(100), draw_noise(100))
    assert len(asked) == 2
    coin_flips((3, 4), 0.5)
    assert asked[2] == 8 * 12


@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"\x41"])
def test_a_broken_source_ends_in_an_error_not_in_noise(byte: bytes) -> None:
    with pytest.raises((IndexError, RuntimeError)):
        draw_noise(1000, source=lambda n: byte * n)


def test_coins_fall_as_often_as_they_should_and_never_more_often() -> None:
    flips = coin_flips((1000, 1000), 0.061)
    assert abs(flips.mean() - 0.061) < 4 * math.sqrt(0.061 * 0.939 / flips.size)
    assert coin_flips((50, 50), 1.0, lambda n: b"\xff" * n).all()
    largest = (int(0.3 * 2**63) << 1).to_bytes(8, "little")  # the first number that is not below 0.3
    assert not coin_flips((1,), 0.3, lambda n: largest).any()
    assert coin_flips((1,), 0.3, lambda n: (int.from_bytes(largest, "little") - 1).to_bytes(8, "little")).all()


@given(
    arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
    st.floats(1e-3, 1e3),
    st.floats(0.2, 100),
    st.sampled_from(noise.MECHANISMS),
)
def test_no_unit_exceeds_its_bound_by_a_single_step(
    values: np.ndarray, clip: float, multiplier: float, mechanism: str
) -> None:
    grid = Grid(clip, multiplier * clip, mechanism)
    whole = [int(step) for step in grid.truncated(values)]  # Python's integers: exact
    squared = mechanism == "gaussian"
    length = sum(step * step if squared else abs(step) for step in whole)
    exact = ONE / multiplier  # the clip in steps
    assert length <= exact**2 if squared else length <= exact
    norm_of = np.linalg.norm(values) if squared else np.abs(values).sum()
    expected = values * min(1.0, clip / max(norm_of, 1e-300)) / grid.step
    assert np.abs(np.array(whole) - expected).max() <= 1 + 1e-9 * exact  # and is cut, not dropped
    assert all(abs(step) <= abs(value) + 1e-9 for step, value in zip(whole, expected, strict=True))  # towards zero


def test_a_unit_whose_values_are_no_numbers_adds_nothing() -> None:
    for odd in (math.nan, math.inf, -math.inf):
        assert not Grid(1.0, 1.0).truncated(np.array([0.5, odd])).any()


def test_what_is_published_is_the_continuous_mechanism_rounded_down() -> None:
    grid = Grid(2.0, 6.0)
    total = np.full(200_000, 12345)
    published = grid.published(total)
    steps = published / grid.step - 0.5
    np.testing.assert_array_equal(steps, np.round(steps))
    assert_follows(steps.astype(np.int64) - 12345, norm, 0.25)
    np.testing.assert_array_equal(Grid(2.0, 0.0).published(total), total * 2.0 / ONE)


def test_known_noise_is_that_of_numpy_and_comes_out_again() -> None:
    expected = np.random.default_rng(3).normal(0, 5.0, 100)
    found = Grid(1.0, 5.0).published(np.zeros(100, np.int64), known_noise(np.random.default_rng(3)))
    np.testing.assert_allclose(found, expected, atol=5.0 / ONE)
    expected = np.random.default_rng(3).laplace(0, 5.0, 100)
    found = Grid(1.0, 5.0, "laplace").published(np.zeros(100, np.int64), known_noise(np.random.default_rng(3)))
    np.testing.assert_allclose(found, expected, atol=5.0 / ONE)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ((1.0, 1.0, "Gaussian"), "mechanism must be one of gaussian, laplace"),
        ((1.0, math.nan), "hides nobody"),
        ((1.0, math.inf), "hides nobody"),
        ((1.0, -1.0), "hides nobody"),
        ((math.nan, 1.0), "hides nobody"),
        ((0.0, 1.0), "hides nobody"),
        ((1.0, 1e-12), "hides nobody"),
    ],
)
def test_a_grid_that_hides_nobody_is_refused(settings: tuple, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Grid(*settings)


def test_it_is_distributed_like_the_vetted_noise_of_opendp() -> None:
    """OpenDP's discrete Gaussian of the same scale; 267 MB with its needs, so it is not among the requirements."""
    dp = pytest.importorskip("opendp.prelude", reason="opendp is not installed: pip install opendp")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float)
    theirs = np.array(dp.m.make_gaussian(*space, scale=float(ONE))([0] * 50_000))
    assert_follows(theirs, norm, 0.25)
    assert kstest(draw_noise(50_000), theirs).pvalue > 1e-6  # their bytes are secret: no fixed seed


@pytest.mark.parametrize("insecure_seed", [None, 0, (3, 4)])
@pytest.mark.parametrize("epsilon", [0.5, 3.0])
def test_a_label_is_kept_with_its_probability_and_changed_to_any_other_alike(
    epsilon: float, insecure_seed: int | tuple[int, ...] | None
) -> None:
    kept, n = math.exp(epsilon) / (math.exp(epsilon) + 5), 200_000
    for true in (0, 3, 5):
        sent = randomised_response(np.full(n, true), epsilon, 6, insecure_seed)
        expected = np.full(6, (1 - kept) / 5)
        expected[true] = kept
        assert chisquare(np.bincount(sent, minlength=6), n * expected).pvalue > SIGNIFICANCE


def test_the_labels_of_half_the_epsilon_would_be_seen() -> None:
    sent = randomised_response(np.zeros(200_000, int), 1.5, 6)
    kept = math.exp(3) / (math.exp(3) + 5)
    assert chisquare(np.bincount(sent, minlength=6), 200_000 * np.array([kept, *[(1 - kept) / 5] * 5])).pvalue < 1e-9


@given(st.floats(1e-6, 200), st.integers(2, 100))
def test_no_label_is_likelier_than_epsilon_allows_not_even_by_rounding(epsilon: float, n_classes: int) -> None:
    kept, each = map(Decimal, response_counts(epsilon, n_classes))
    assert kept + (n_classes - 1) * each == 2**63
    assert kept / each <= Decimal(epsilon).exp()  # of either label, given any other that was the true one
    assert each <= kept
    if epsilon < 20:
        assert float((kept / each).ln()) == pytest.approx(epsilon, abs=1e-7)


def test_the_draws_at_the_ends_are_the_true_label_and_the_others_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, each = response_counts(1.0, 3)
    numbers = np.array([0, kept - 1, kept, kept + each - 1, kept + each, 2**63 - 1], np.uint64)
    monkeypatch.setattr(noise, "secret_bytes", lambda n: (2 * numbers).tobytes()[:n])
    assert randomised_response(np.full(6, 2), 1.0, 3).tolist() == [2, 2, 0, 0, 1, 1]


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.uint64])
def test_labels_that_are_given_stay_as_they_are_and_of_their_type(dtype: type) -> None:
    y = np.arange(700, dtype=dtype) % dtype(7)
    before = y.copy()
    for epsilon in (0.1, 1e6, math.inf):
        sent = randomised_response(y, epsilon, 7)
        assert sent.dtype == dtype
        assert not np.shares_memory(sent, y)
        assert np.array_equal(sent, y) == (epsilon > 1)
        assert sent.max() < 7
    np.testing.assert_array_equal(y, before)


def test_labels_are_drawn_from_secret_bytes_and_come_out_again_only_for_a_known_seed() -> None:
    y = np.zeros(100, int)
    assert not np.array_equal(randomised_response(y, 1.0, 6), randomised_response(y, 1.0, 6))
    np.testing.assert_array_equal(randomised_response(y, 1.0, 6, 5), randomised_response(y, 1.0, 6, 5))
    assert not np.array_equal(randomised_response(y, 1.0, 6, 5), randomised_response(y, 1.0, 6, 6))


@pytest.mark.parametrize(
    ("y", "epsilon", "n_classes", "reason"),
    [
        ([0, 1], math.nan, 3, "epsilon must be a number above 0"),
        ([0, 1], -1.0, 3, "epsilon must be a number above 0"),
        ([0, 1], 0.0, 3, "epsilon must be a number above 0"),
        ([0, 1], "3", 3, "epsilon must be a number above 0"),
        ([0, 0], 1.0, 1, "n_classes must be a whole number from 2"),
        ([0, 3], 1.0, 3, "whole numbers from 0 to 2"),
        ([-1, 0], math.inf, 3, "y must be class numbers, whole and from 0 on"),
        ([0.5, 1.0], 1.0, 3, "y must be class numbers, whole and from 0 on"),
        ([[0], [1]], 1.0, 3, "y has shape"),
    ],
)
def test_labels_and_epsilons_that_nothing_can_be_promised_for_are_refused(
    y: list, epsilon: float, n_classes: int, reason: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        randomised_response(np.array(y), epsilon, n_classes)
