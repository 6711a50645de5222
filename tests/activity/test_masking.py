"""The cloud gets the sum, exactly, whoever drops out above the threshold; from one upload it gets nothing."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from pmt_helpers.activity.masking import PRIME, deal_seeds, join_shares, secure_sum, split_secret, unmask

STEP = 2**-24


def people(n: int, width: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-100 / n, 100 / n, (n, width))


def plain_sum(values: np.ndarray) -> np.ndarray:
    """In Python's whole numbers, which never overflow."""
    return np.array([sum(int(np.rint(value / STEP)) for value in column) for column in values.T]) * STEP


@st.composite
def rounds_of(draw: st.DrawFn) -> tuple[int, int, set[int], set[int]]:
    """Number of people, threshold, those who are gone before they upload and those gone before they answer."""
    n = draw(st.integers(2, 9))
    threshold = draw(st.integers(n // 2 + 1, n))
    gone = draw(st.sets(st.integers(0, n - 1)))
    silent = {one for one in gone if draw(st.booleans())}
    return n, threshold, gone - silent, silent


@settings(max_examples=80, deadline=None)
@given(rounds_of(), st.integers(0, 10**6))
def test_the_sum_is_exact_above_the_threshold_and_refused_below(
    case: tuple[int, int, set[int], set[int]], seed: int
) -> None:
    n, threshold, dropped, silent = case
    values = people(n, seed=seed)
    arguments = {"dropped": sorted(dropped), "silent": sorted(silent), "threshold": threshold}
    if n - len(dropped | silent) < threshold:
        with pytest.raises(ValueError, match=f"and {threshold} are needed"):
            secure_sum(values, **arguments)
        return
    result = secure_sum(values, **arguments)
    there = [one for one in range(n) if one not in dropped]
    np.testing.assert_array_equal(result.total, plain_sum(values[there]))
    assert sorted(result.uploads) == there


def test_without_the_answers_the_sum_stays_hidden() -> None:
    values = people(6)
    result = secure_sum(values, dropped=[2])
    seen = sum(upload.astype(np.int64) for upload in result.uploads.values()).astype(np.uint32).view(np.int32) * STEP
    assert np.abs(seen - result.total).min() > 1e-3


def uniformity(upload: np.ndarray) -> float:
    """p of chi-square for the bytes of an upload."""
    return float(chisquare(np.bincount(np.ascontiguousarray(upload).view(np.uint8), minlength=256)).pvalue)


def test_one_upload_looks_like_chance_whatever_is_in_it() -> None:
    """As a plain one does not: the same test finds the difference at once."""
    weights = np.random.default_rng(0).normal(0, 0.1, (5, 6406))
    for values in (weights, np.zeros_like(weights)):
        uploads = secure_sum(values, insecure_seed=0).uploads
        assert all(uniformity(upload) > 1e-4 for upload in uploads.values())
        plain = np.rint(values[0] / STEP).astype(np.int32)
        assert uniformity(plain) < 1e-12
    masked = secure_sum(weights, insecure_seed=0).uploads
    found = [np.corrcoef(masked[one].view(np.int32), weights[one])[0, 1] for one in masked]
    assert np.abs(found).max() < 5 / np.sqrt(6406)


def test_the_same_weights_are_never_sent_alike_twice() -> None:
    values = people(3, 1000)
    one, other = (secure_sum(values).uploads[0] for _ in range(2))
    assert (one == other).mean() < 0.01
    again = [secure_sum(values, insecure_seed=5).uploads[0] for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_nobody_gives_away_both_masks_of_an_upload() -> None:
    """A cloud that calls somebody who uploaded a drop-out learns the masks of their pairs, never their own one."""
    parties = deal_seeds(5, 4)
    for uploaded in ({0, 1, 2, 3, 4}, {0, 1, 3}, {4}):
        for one in parties:
            opened = set(one.answer(uploaded))
            assert {pair for pair in opened if pair[0] == pair[1]} == {(a, a) for a in uploaded}
            pairs = {pair for pair in opened if pair[0] != pair[1]}
            assert all(len(uploaded & set(pair)) == 1 for pair in pairs)
    values = np.arange(3, dtype=np.uint32)
    late = parties[2].masked(values)
    answers = {one: parties[one].answer({0, 1, 3, 4}) for one in (0, 1, 3, 4)}
    others = {one: parties[one].masked(values) for one in (0, 1, 3, 4)}
    np.testing.assert_array_equal(unmask(others, answers, 4), 4 * values)
    opened = unmask({2: late}, {one: {p: s for p, s in a.items() if 2 in p} for one, a in answers.items()}, 4)
    assert (opened != values).all()  # its own mask is still on it


def test_any_threshold_of_the_shares_opens_a_secret_and_fewer_do_not() -> None:
    secret = 2**127 + 12345
    shares = split_secret(secret, 5, 3)
    for who in combinations(range(5), 3):
        assert join_shares({one: shares[one] for one in who}) == secret
    for who in combinations(range(5), 2):
        assert join_shares({one: shares[one] for one in who}) != secret
    first = [split_secret(secret, 5, 3)[0] / PRIME for _ in range(500)]
    assert 0.4 < np.mean(first) < 0.6  # a single share is anywhere in the field


def test_an_upload_is_as_long_as_a_plain_one() -> None:
    values = people(3, 100)
    assert secure_sum(values).uploads[1].nbytes == values[1].astype(np.float32).nbytes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"uploads": np.ones((1, 4))}, "2 people or more"),
        ({"uploads": np.float64(3)}, "2 people or more"),
        ({"uploads": np.full((4, 2), 32.0)}, "between -32 and 32"),
        ({"uploads": np.full((4, 2), np.nan)}, "must be numbers"),
        ({"dropped": [4]}, r"dropped must be people from 0 to 3; got \[4\]"),
        ({"silent": [-1]}, "silent"),
        ({"threshold": 2}, "3 to 4 for 4 uploads; got 2"),
        ({"threshold": 5}, "3 to 4 for 4 uploads; got 5"),
    ],
)
def test_what_no_sum_can_be_made_of_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        secure_sum(**{"uploads": people(4), **wrong})  # type: ignore[arg-type]
