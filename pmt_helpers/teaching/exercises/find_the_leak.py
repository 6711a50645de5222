"""Exercise `find-the-leak` (notebook 02): which training windows share readings with a test window."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake

Array = np.ndarray


def leaked(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    """Mask over `train`: True where a training window shares at least one reading with some test window.

    recordings, starts: (n_windows,), the recording and the first reading of each window; train, test: row numbers;
    window: readings in a window. Returns (len(train),) bool.
    """
    near = np.abs(_later(starts, train, test)) < window
    return np.any(near & _same(recordings, train, test), axis=1)


def _later(starts: Array, train: Array, test: Array) -> Array:
    """By how many readings each training window starts after each test window; (len(train), len(test))."""
    return np.subtract.outer(starts[train], starts[test])


def _same(recordings: Array, train: Array, test: Array) -> Array:
    """Whether a training window and a test window are of one recording; (len(train), len(test)) bool."""
    return np.equal.outer(recordings[train], recordings[test])


def _in_any_recording(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    return leaked(np.zeros_like(recordings), starts, train, test, window)


def _only_later(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    later = _later(starts, train, test)
    return np.any((later >= 0) & (later < window) & _same(recordings, train, test), axis=1)


def _all_before(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    return np.any((_later(starts, train, test) < window) & _same(recordings, train, test), axis=1)


def _row_numbers_compared(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    return leaked(recordings, np.arange(len(starts)), train, test, window)


def _from_all_test_windows(recordings: Array, starts: Array, train: Array, test: Array, window: int) -> Array:
    near = np.abs(_later(starts, train, test)) < window
    return np.all(near & _same(recordings, train, test), axis=1)


def _cases() -> dict[str, tuple[Array, Array, Array, Array, int]]:
    """Rows stand in no order of time, so that row numbers tell nothing."""
    rng = np.random.default_rng(7)
    mixed = rng.permutation(24)
    recordings, starts = np.repeat([4, 9, 2], 8)[mixed], np.tile(np.arange(8) * 5, 3)[mixed]
    rows = rng.permutation(24)
    in_test_recording = recordings == 9
    few = np.flatnonzero((recordings != 2) & (starts == 15))  # the same moment of two recordings, the third free
    dense_starts = rng.permutation(100)[:40]
    return {
        "half-overlapping windows, drawn at random": (recordings, starts, rows[6:], rows[:6], 10),
        "whole recordings in the test": (
            recordings,
            starts,
            np.flatnonzero(~in_test_recording),
            np.flatnonzero(in_test_recording),
            10,
        ),
        "one test window in each of two recordings": (recordings, starts, np.setdiff1d(rows, few), few, 10),
        "one test window": (np.full(9, 3), np.arange(9)[::-1] * 5, np.array([8, 5, 4, 2, 6, 0]), np.array([3]), 15),
        "windows that start anywhere": (np.repeat([0, 1], 20), dense_starts, np.arange(4, 40), np.arange(4), 9),
    }


_ONE_SIDE = (
    "this finds leaks on one side of a test window only. A training window that starts earlier can share readings as "
    "well as one that starts later."
)
_NO_ABS = (
    "a difference of starts can be negative, and every negative number is below the window's length. Take the distance "
    "without its sign."
)
_ROWS = (
    "these are the numbers of the leaking windows. Return a mask: True or False for each training window, in the order "
    "of `train`."
)

FIND_THE_LEAK = Exercise(
    id="find-the-leak",
    notebook="02",
    title="Find the leak",
    signature="leaked(recordings, starts, train, test, window)",
    right="your mask marks the training windows that have readings in common with the test, and no others. Leave them "
    "out, and the test is about windows never seen, not even in part.",
    hints=Hints(
        nudge="Two windows of the same length start at readings 0 and 50. How long must a window be for them to share "
        "a reading? And what if they are of different recordings?",
        sketch="Look the recordings and starts of the training rows and of the test rows up. Compare every training "
        "window with every test window (as a column against a row, or in two loops): same recording, and the starts "
        "less than one window apart, whichever comes first. A training window leaks if that holds for any test window.",
        pointer="_shares_readings in pmt_helpers/activity/splits.py: every split of the workbook, except the random "
        "one, drops such windows from training.",
    ),
    cases=_cases(),
    reference=leaked,
    mistakes=(
        Mistake(
            "recording forgotten",
            "windows of different recordings count as neighbours because they start at the same time. They share no "
            "reading: compare the recordings too.",
            _in_any_recording,
        ),
        Mistake(
            "starts forgotten",
            "this marks every training window of a recording that has a test window. That is a stricter rule: only "
            "those less than one window apart share a reading.",
            lambda recordings, starts, train, test, window: np.isin(recordings[train], recordings[test]),
        ),
        Mistake(
            "touching",
            "windows that only touch count here. When the starts are exactly one window apart, one ends just before "
            "the other begins, and no reading is in both.",
            lambda recordings, starts, train, test, window: leaked(recordings, starts, train, test, window + 1),
        ),
        Mistake("only later", _ONE_SIDE, _only_later),
        Mistake(
            "only earlier",
            _ONE_SIDE,
            lambda recordings, starts, train, test, window: _only_later(recordings, -starts, train, test, window),
        ),
        Mistake("no absolute value", _NO_ABS, _all_before),
        Mistake(
            "no absolute value, the other way",
            _NO_ABS,
            lambda recordings, starts, train, test, window: _all_before(recordings, -starts, train, test, window),
        ),
        Mistake(
            "over test",
            "this mask is about the test windows. The question is which training windows to leave out: one value for "
            "each of those.",
            lambda recordings, starts, train, test, window: leaked(recordings, starts, test, train, window),
        ),
        Mistake(
            "same window only",
            "no window is in both lists, so this finds nothing. The leak is subtler: a training window can share some "
            "of its readings with a test window.",
            lambda recordings, starts, train, test, window: np.isin(train, test),
        ),
        Mistake(
            "row numbers compared",
            "this compares row numbers. They are only places in a table: look up where each row's window starts.",
            _row_numbers_compared,
        ),
        Mistake(
            "all test windows",
            "this asks for readings shared with every test window. One test window is enough for a leak.",
            _from_all_test_windows,
        ),
        Mistake(
            "inverted",
            "the mask is the wrong way round: True should mark the windows that leak, not those that are clean.",
            lambda *arguments: ~leaked(*arguments),
        ),
        Mistake("row numbers", _ROWS, lambda r, s, train, test, window: train[leaked(r, s, train, test, window)]),
        Mistake("places in train", _ROWS, lambda *arguments: np.flatnonzero(leaked(*arguments))),
    ),
)
