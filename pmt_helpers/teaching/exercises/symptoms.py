"""How to recognise a mistake where right answers differ: they draw at random, or raise an error in their own words."""

import contextlib
import copy
import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer

Array = np.ndarray
Lines = Sequence[str]


# ---- a split by people (grouped-validation) ----
# Right answers may draw any people, so a mask is judged by who is on which side of it.

_SPLIT_SEEDS = range(8)
_MANY_SEEDS = range(16)  # in some of them a draw with replacement takes somebody twice
_RNG = np.random.default_rng(4)
_N_WINDOWS = _RNG.integers(20, 60, 12)  # people differ in how many windows they have
_USERS = _RNG.permutation(np.repeat(np.arange(12) * 3 + 5, _N_WINDOWS))
SPLIT_CASES: dict[str, tuple[Array, float, int]] = {
    "twelve people, a quarter": (_USERS, 0.25, 0),
    "twelve people, a third": (_USERS, 1 / 3, 1),
    "ten people, nine tenths": (np.repeat(np.arange(10) * 2, 7), 0.9, 3),
    "three people, a tenth": (np.repeat([7, 9, 30], 10), 0.1, 2),
}


def split_not_boolean(answer: Answer) -> bool:
    return mask_not_boolean(answer, SPLIT_CASES.values())


def split_changes_its_size(answer: Answer) -> bool:
    """Whether the number of people held out depends on the seed."""
    sizes = [len(np.unique(_USERS[answer(_USERS.copy(), 0.25, seed)])) for seed in _MANY_SEEDS]
    return len(set(sizes)) > 1


def split_without_validation(answer: Answer) -> bool:
    return not all(mask.any() for *_, mask in _splits(answer))


def split_leaks(answer: Answer) -> bool:
    return any(np.isin(users[mask], users[~mask]).any() for users, _, mask in _splits(answer))


def split_inverted(answer: Answer) -> bool:
    return all(
        held_out < n and abs(held_out - (1 - fraction) * n) < 1 for held_out, n, fraction in _numbers_of_people(answer)
    )


def split_of_another_share(answer: Answer) -> bool:
    return any(abs(held_out - max(1.0, fraction * n)) >= 1 for held_out, n, fraction in _numbers_of_people(answer))


def split_always_first(answer: Answer) -> bool:
    """Whether the people held out are always the first or last by number, or the first to appear."""
    ids, first_window = np.unique(_USERS, return_index=True)
    orders = [ids, ids[::-1], _USERS[np.sort(first_window)]]
    chosen = [set(_USERS[mask]) for mask in _masks(answer)]
    return any(all(people == set(order[: len(people)]) for people in chosen) for order in orders)


def split_seed_ignored(answer: Answer) -> bool:
    first, *others = _masks(answer)
    return all(np.array_equal(first, other) for other in others)


def split_not_repeatable(answer: Answer) -> bool:
    return not all(map(np.array_equal, _masks(answer), _masks(answer)))


def _splits(answer: Answer) -> list[tuple[Array, float, Array]]:
    """Users, fraction and the answer's mask of each case."""
    return [
        (users, fraction, np.asarray(answer(users.copy(), fraction, seed)))
        for users, fraction, seed in SPLIT_CASES.values()
    ]


def _numbers_of_people(answer: Answer) -> list[tuple[int, int, float]]:
    """For each case: the number of people in validation, that of all people, and the fraction asked for."""
    return [(len(np.unique(users[mask])), len(np.unique(users)), fraction) for users, fraction, mask in _splits(answer)]


def _masks(answer: Answer) -> list[Array]:
    """The answer's masks for the same users and different seeds."""
    return [np.asarray(answer(_USERS.copy(), 0.25, seed)) for seed in _SPLIT_SEEDS]


# ---- a mask (grouped-validation, find-the-leak) ----


def mask_not_boolean(answer: Answer, cases: Iterable[Sequence[Any]]) -> bool:
    """Whether an answer's mask holds numbers: as an index they would pick the rows 0 and 1, again and again."""
    return any(np.asarray(answer(*copy.deepcopy(arguments))).dtype != bool for arguments in cases)


# ---- an interval of a mean gain (paired-bootstrap) ----
# Right answers may draw in any order, so they differ. With accuracies in thousandths, all possible means of a resample
# and their probabilities are known: an interval is judged by the share of resamples below and above it.

N_RESAMPLES = 4000
OUTSIDE = 0.025  # of the resamples, on each side
TOLERANCE = 0.0125  # five standard errors of that share, with N_RESAMPLES
_INTERVAL_SEEDS = range(4)


def _people(rng: np.random.Generator, n: int, gain: float, spread: float) -> tuple[Array, Array]:
    """People who differ from each other far more than retraining changes them."""
    before = rng.integers(150, 850, n)
    return before / 1000, (before + rng.normal(gain, spread, n).round()) / 1000


def resampled_means(values: Array) -> tuple[Array, Array]:
    """Each possible mean of a resample of `values` (in thousandths), and the exact share of resamples below it.

    Half of the resamples that are equal to it count as below.
    """
    n = len(values)
    steps = np.rint(1000 * values).astype(int)
    one_draw = np.bincount(steps - steps.min()) / n
    shares = np.ones(1)
    for _ in range(n):
        shares = np.convolve(shares, one_draw)
    return (np.arange(len(shares)) + n * steps.min()) / (1000 * n), np.cumsum(shares) - shares / 2


_RNG = np.random.default_rng(8)
_BEFORE, _AFTER = _people(_RNG, 12, 70, 40)
INTERVAL_CASES: dict[str, tuple[Array, Array, int, int]] = {
    "twelve people": (_BEFORE, _AFTER, N_RESAMPLES, 0),
    "thirty people, almost no gain": (*_people(_RNG, 30, 5, 30), N_RESAMPLES, 1),
    "a few gain much": (_BEFORE, _BEFORE + np.array([131, 2, 9, 4, 17, 96, 1, 6, 11, 3, 0, 8]) / 1000, N_RESAMPLES, 2),
}
_MEAN = float((_AFTER - _BEFORE).mean())
_MEANS, _BELOW = resampled_means(_AFTER - _BEFORE)
_LOW, _HIGH = np.interp([OUTSIDE, 1 - OUTSIDE], _BELOW, _MEANS)
_WIDTH = _HIGH - _LOW


def interval_ends_swapped(answer: Answer) -> bool:
    low, high = _interval(answer)
    return _near(high, _LOW) and _near(low, _HIGH)


def interval_sign_swapped(answer: Answer) -> bool:
    low, high = _interval(answer)
    return _near(low, -_HIGH) and _near(high, -_LOW)


def interval_in_percent(answer: Answer) -> bool:
    low, high = _interval(answer)
    return _near(low / 100, _LOW) and _near(high / 100, _HIGH)


def interval_of_sums(answer: Answer) -> bool:
    low, high = _interval(answer)
    return _near(low / len(_BEFORE), _LOW) and _near(high / len(_BEFORE), _HIGH)


def interval_of_half_widths(answer: Answer) -> bool:
    first, half = _interval(answer)
    return _near(abs(half), _WIDTH / 2) and (_near(first, _MEAN) or _near(abs(first), _WIDTH / 2))


def interval_of_fractions_of_a_percent(answer: Answer) -> bool:
    """Whether both ends are where 0.025 and 0.975 percent of the resampled means are below."""
    return all(1e-5 < np.interp(end, _MEANS, _BELOW) < 0.02 for end in _interval(answer))


def interval_no_width_at_the_mean(answer: Answer) -> bool:
    return all(abs(end - _MEAN) < 1e-3 * _WIDTH for end in _interval(answer))


def interval_no_width(answer: Answer) -> bool:
    low, high = _interval(answer)
    return abs(high - low) < 1e-3 * _WIDTH


def interval_over_people(answer: Answer) -> bool:
    """Whether it is as wide as the gains of people: 2.7 to 3.7 times, by quantiles or standard deviations."""
    low, high = _interval(answer)
    return low < _MEAN < high and 2.3 < (high - low) / _WIDTH < 5


def interval_far_too_wide(answer: Answer) -> bool:
    """Resampling the people of one side makes it seven times as wide, of both sides ten times."""
    low, high = _interval(answer)
    return high - low > 5 * _WIDTH


def interval_of_90_percent(answer: Answer) -> bool:
    return abs(_outside(answer) - 0.10) < 2 * TOLERANCE


def interval_of_extremes(answer: Answer) -> bool:
    return _outside(answer) < 0.004


def interval_elsewhere(answer: Answer) -> bool:
    """Whether other shares of the resamples are outside; of twelve people in the mean of four intervals."""
    for draws, (before, after, n_resamples, seed) in zip((4, 1, 1), INTERVAL_CASES.values(), strict=True):
        ends = [answer(before.copy(), after.copy(), n_resamples, seed + more) for more in range(draws)]
        shares = np.interp(np.asarray(ends, float), *resampled_means(after - before)).mean(axis=0)
        if not (abs(shares - [OUTSIDE, 1 - OUTSIDE]) < TOLERANCE / draws**0.5).all():  # so that NaN is elsewhere
            return True
    return False


# Gains in thousandths that tell who was drawn how often: the digits of their sum to the base 6.
_FOUR_BEFORE = np.full(4, 0.25)
_FOUR_AFTER = _FOUR_BEFORE + 6 ** np.arange(4) / 1000


@lru_cache(maxsize=4)
def _single_resamples(answer: Answer) -> Array:
    """Both ends for n_resamples = 1, with 40 seeds: (40, 2)."""
    return np.array([answer(_FOUR_BEFORE.copy(), _FOUR_AFTER.copy(), 1, seed) for seed in range(40)], float)


def interval_of_other_resamples(answer: Answer) -> bool:
    """Whether asking for one resample gives anything but one mean, which is both ends."""
    try:
        low, high = _single_resamples(answer).T
    except (ValueError, IndexError, ZeroDivisionError, TypeError):  # of no resample at all
        return True
    return not np.allclose(low, high, equal_nan=True)


def _people_drawn(answer: Answer, size: int) -> Array | None:
    """How often each of the four was drawn, if every resample is of `size` people; otherwise None."""
    sums = 1000 * size * _single_resamples(answer)[:, 0]
    drawn = np.rint(sums)[:, None] // 6 ** np.arange(4) % 6
    return (
        drawn.sum(axis=0) if np.allclose(sums, np.rint(sums), atol=1e-3) and (drawn.sum(axis=1) == size).all() else None
    )


def interval_of_other_people(answer: Answer) -> bool:
    """Whether a resample of four people is of three or five, or somebody is hardly ever in one."""
    drawn = _people_drawn(answer, 4)  # 40 times each, and five standard errors are 28
    other_size = _people_drawn(answer, 3) is not None or _people_drawn(answer, 5) is not None
    return bool((drawn <= 12).any()) if drawn is not None else other_size


def interval_of_no_resample(answer: Answer) -> bool:
    return _people_drawn(answer, 4) is None


def interval_seed_ignored(answer: Answer) -> bool:
    first, *others = [_interval_of(answer, 100, seed) for seed in _INTERVAL_SEEDS]
    return all(other == first for other in others)


def interval_not_repeatable(answer: Answer) -> bool:
    return any(_interval_of(answer, 100, seed) != _interval_of(answer, 100, seed) for seed in _INTERVAL_SEEDS)


@lru_cache(maxsize=4)  # many symptoms look at the same interval, which takes a loop in Python some time
def _interval(answer: Answer) -> tuple[float, float]:
    return _interval_of(answer, N_RESAMPLES, 0)


def _interval_of(answer: Answer, n_resamples: int, seed: int) -> tuple[float, float]:
    low, high = np.asarray(answer(_BEFORE.copy(), _AFTER.copy(), n_resamples, seed), float)
    return float(low), float(high)


def _near(value: float, end: float) -> bool:
    """Whether an end is where a mistake puts it. Random draws move it by a tenth of this tolerance."""
    return bool(abs(value - end) < 0.1 * _WIDTH)


def _outside(answer: Answer) -> float:
    """Share of the resamples outside the interval, both sides together."""
    low, high = _interval(answer)
    return float(np.interp(low, _MEANS, _BELOW) + 1 - np.interp(high, _MEANS, _BELOW))


# ---- a reader of logs (parse-record) ----
# Half of its work is to refuse: it gets made-up logs that are whole, cut off, damaged, or of another origin.


def _log(seed: int, n_epochs: int, end: bool = True, origin: str = "measured-pi") -> list[str]:
    """A log as text: header, set-up, epochs with a sample between them, predictions, and the end."""
    rng = np.random.default_rng(seed)

    def span(phase: str, **more: float) -> dict:
        cpu = rng.integers(2, 40) / 4
        return {"ev": "span", "phase": phase, "wall_s": cpu + rng.integers(1, 9) / 4, "cpu_s": cpu, **more}

    records: list[dict] = [{"ev": "header", "schema": "pi-profile/1", "origin": origin, "run_id": f"r{seed}"}]
    records += [span("import"), span("load")]
    for epoch in range(1, n_epochs + 1):
        records += [span("train", epoch=epoch, updates=40)]
        if epoch == 1:
            records.append({"ev": "sample", "t_s": 20.25, "temp_c": 50.5})
    if end:
        records += [span("inference", updates=200), {"ev": "end", "t_s": 300.0}]
    return [json.dumps(record) for record in records]


_WHOLE, _STOPPED = _log(1, 3), _log(2, 4, end=False)
LOG_CASES = {"a whole log": (_WHOLE, "measured-pi"), "stopped before its end": (_STOPPED, "measured-pi")}
_CUT_OFF = [*_WHOLE[:-2], _WHOLE[-2][:31]]


def damaged(lines: Sequence[str], number: int) -> list[str]:
    """The log with a line, counted from 1, that lacks its end."""
    return [*lines[: number - 1], lines[number - 1][:25], *lines[number:]]


# By line number: near both ends and in between. The last two numbers are nowhere in their logs.
DAMAGED = {1: damaged(_WHOLE, 1), 7: damaged(_WHOLE, 7), 4: damaged(_STOPPED, 4), 8: damaged(_WHOLE, 8)}
DAMAGED |= {13: damaged(_log(5, 9), 13), 12: damaged(_log(5, 9), 12)}
# With origins that they are not of: before and after their own in the alphabet, longer, and shorter.
_FOREIGN = [(_WHOLE, "measured-host"), (_log(4, 2, origin="emulated-pi"), "measured-pi")]
_FOREIGN += [(_log(4, 2, origin="measured-pi-constrained"), "measured-pi"), (_WHOLE, "measured-pi-constrained")]


def _outcome(answer: Answer, lines: Lines, origin: str = "measured-pi") -> Any:
    """The exception that the answer raises, or what it returns: of an exception that is returned, the text."""
    try:
        value = answer(list(lines), origin)
    except Exception as error:
        return error
    return repr(value) if isinstance(value, Exception) else value


def _raised_for_damage(answer: Answer) -> dict[int, Any]:
    return {number: _outcome(answer, lines) for number, lines in DAMAGED.items()}


def _finds_sum(answer: Answer, lines: Lines, read: Lines) -> bool:
    """Whether an answer, given `lines`, returns the CPU seconds of training in the lines `read`."""
    seconds = _outcome(answer, lines)
    records = []
    for line in read:
        with contextlib.suppress(ValueError):
            records.append(json.loads(line))
    expected = sum(record["cpu_s"] for record in records if record.get("phase") == "train")
    return _is_number(seconds) and bool(np.isclose(float(seconds), expected))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) or (isinstance(value, np.ndarray) and value.shape == ())


def log_other_sum(answer: Answer) -> bool:
    return not all(_finds_sum(answer, lines, lines) for lines, _ in LOG_CASES.values())


def log_dies_at_the_cut(answer: Answer) -> bool:
    return isinstance(_outcome(answer, _CUT_OFF), Exception)


def log_cut_miscounted(answer: Answer) -> bool:
    return not _finds_sum(answer, _CUT_OFF, _CUT_OFF[:-1])


def log_returns_the_error(answer: Answer) -> bool:
    """Whether something that is no number is returned where an error should be raised."""
    refused = [*_raised_for_damage(answer).values(), *(_outcome(answer, *each) for each in _FOREIGN)]
    return any(isinstance(value, str | tuple | list) or value is None for value in refused)


def log_stops_at_damage(answer: Answer) -> bool:
    """Whether it returns the sum of the lines before the damaged one."""
    return all(_finds_sum(answer, DAMAGED[number], DAMAGED[number][: number - 1]) for number in (4, 7))


def log_damage_returned(answer: Answer) -> bool:
    return any(not isinstance(outcome, Exception) for outcome in _raised_for_damage(answer).values())


def log_other_error(answer: Answer) -> bool:
    refused = [*_raised_for_damage(answer).values(), *(_outcome(answer, *each) for each in _FOREIGN)]
    return any(isinstance(error, Exception) and not isinstance(error, ValueError) for error in refused)


def _numbers(answer: Answer, shift: int) -> bool:
    """Whether the text of each error has the line's number, plus shift, and no whole line."""
    texts = {number: str(error) for number, error in _raised_for_damage(answer).items()}
    return all(re.search(rf"(?<!\d){number + shift}(?!\d)", text) for number, text in texts.items())


def log_counted_from_zero(answer: Answer) -> bool:
    return _numbers(answer, -1) and not _numbers(answer, 0)


def log_no_number(answer: Answer) -> bool:
    return not _numbers(answer, 0)


def log_any_origin(answer: Answer) -> bool:
    return any(not isinstance(_outcome(answer, *each), Exception) for each in _FOREIGN)
