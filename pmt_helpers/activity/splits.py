"""Which windows of a person train, validate and test: it decides what an accuracy means. Notebook 01.

Windows overlap and a movement goes on for minutes, so neighbours in time are near copies. A random split puts one copy
in training and its twin in the test; the other kinds keep twins together.
"""

from dataclasses import dataclass, replace

import numpy as np

from pmt_helpers.datasets.base import ActivityData

SPLIT_KINDS = ("random", "blocked", "recording", "bout", "file_order")
TRAIN_PER_VALIDATION = 3  # the paper keeps at most 60% of a person's windows for training and 20% for validation


@dataclass(frozen=True)
class UserSplit:
    """Row numbers of one person's windows: `train` in the order in which the person labels them, and the rest."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    user: int
    kind: str
    fold: int

    def first(self, n_samples: int) -> "UserSplit":
        """The same split after only `n_samples` labelled training windows, with as many for validation if there are.

        The paper adds one window to each at a time, up to 60% and 20% of a person's (section III): a smaller size is
        always contained in a larger one, and the test windows never change.
        Raises ValueError when the person has fewer training windows.
        """
        if not 1 <= n_samples <= len(self.train):
            raise ValueError(
                f"user {self.user} has {len(self.train)} training windows in fold {self.fold} of the {self.kind} "
                f"split; asked for {n_samples}"
            )
        return replace(self, train=self.train[:n_samples], validation=self.validation[:n_samples])


def n_folds(kind: str, folds: int = 5) -> int:
    """How many folds a kind of split has: two for whole recordings (one arm, the other arm), one in file order."""
    return {"recording": 2, "file_order": 1}.get(kind, folds)


def grouped_validation(users: np.ndarray, fraction: float = 0.2, seed: int = 0) -> np.ndarray:
    """Validation mask of whole users: about `fraction` of the users, at least one, never all; (n_windows,) bool."""
    ids = np.unique(users)
    if len(ids) < 2:
        raise ValueError(f"a split by user needs at least 2 users; found {len(ids)}")
    n_validation = min(max(1, round(fraction * len(ids))), len(ids) - 1)
    return np.isin(users, np.random.default_rng(seed).choice(ids, n_validation, replace=False))


def random_validation(n_windows: int, fraction: float = 0.2, seed: int = 0) -> np.ndarray:
    """Validation mask of single windows, as in the paper: users end up on both sides; (n_windows,) bool."""
    mask = np.zeros(n_windows, bool)
    mask[np.random.default_rng(seed).permutation(n_windows)[: round(fraction * n_windows)]] = True
    return mask


def split_user(
    data: ActivityData, user: int, kind: str = "blocked", fold: int = 0, folds: int = 5, seed: int = 0
) -> UserSplit:
    """Split one person's windows into train (60%), validation (20%) and test (20%).

    Parameters
    ----------
    kind: "random" windows; "blocked": each recording cut into `folds` blocks of time, one tests (the default);
        "recording": one recording of each class tests; "bout": whole bouts, of any class; "file_order": the last fifth.
        Windows that overlap with the test are left out of the rest, save in a random split, where that is the point.

    Raises ValueError for an unknown kind, user or fold.
    """
    if kind not in SPLIT_KINDS:
        raise ValueError(f"unknown kind of split {kind!r}; choose one of {', '.join(SPLIT_KINDS)}")
    if kind == "blocked" and folds < 3:
        raise ValueError(f"a blocked split needs 3 folds or more, to test, to validate and to train on; got {folds}")
    if not 0 <= fold < n_folds(kind, folds):
        raise ValueError(f"the {kind} split has folds 0 to {n_folds(kind, folds) - 1}; asked for {fold}")
    rows = np.flatnonzero(data.users == user)
    if len(rows) == 0:
        raise ValueError(f"no windows of user {user}; users are {', '.join(map(str, data.user_ids))}")
    rng = np.random.default_rng([seed, user, fold])
    rows = rows[np.lexsort((data.starts[rows], data.recordings[rows]))] if kind != "file_order" else rows

    if kind == "file_order":
        train, validation, test = np.split(rows, [round(0.6 * len(rows)), round(0.8 * len(rows))])
    elif kind == "random":
        blocks = np.array_split(np.random.default_rng([seed, user]).permutation(rows), folds)
        test = blocks[fold]
        rest = rng.permutation(np.concatenate([b for i, b in enumerate(blocks) if i != fold]))
        validation, train = np.split(rest, [round(len(rest) / (TRAIN_PER_VALIDATION + 1))])
    elif kind == "blocked":
        blocks = _time_blocks(data, rows, folds)
        held_out = (fold, (fold - 1) % folds)
        test, validation = (blocks[i] for i in held_out)
        train = np.concatenate([block for i, block in enumerate(blocks) if i not in held_out])
    else:
        groups = data.recordings[rows]
        if kind == "recording":
            in_test = _every_second_recording(data.y[rows], groups, fold)
        else:
            in_test = _whole_bouts(groups, fold, folds, seed)
        test = rows[in_test]
        *blocks, validation = _time_blocks(data, rows[~in_test], TRAIN_PER_VALIDATION + 1)
        train = np.concatenate(blocks)

    if kind != "random":
        validation = validation[~_overlaps(data, validation, test)]
        train = train[~_overlaps(data, train, np.concatenate([test, validation]))]
    if kind not in ("random", "file_order"):
        train, validation = rng.permutation(train), rng.permutation(validation)
    return UserSplit(train, validation, np.sort(test), int(user), kind, fold)


def _time_blocks(data: ActivityData, rows: np.ndarray, n: int) -> list[np.ndarray]:
    """Cut each recording of each class into `n` blocks of time; the i-th ones together make the i-th part.

    Where readings are not known (WISDM) a bout is often a few windows only: all bouts of a class, in file order, are
    then cut as one.
    """
    recordings = data.recordings[rows] if data.window_readings else np.zeros(len(rows), np.int64)
    pieces = np.unique(np.stack([data.y[rows], recordings], 1), axis=0)
    cut = [np.array_split(rows[(data.y[rows] == label) & (recordings == number)], n) for label, number in pieces]
    return [np.concatenate([np.empty(0, np.int64), *parts]) for parts in zip(*cut, strict=True)]


def _every_second_recording(y: np.ndarray, groups: np.ndarray, fold: int) -> np.ndarray:
    """Mask of the windows of every second recording of each class, from the `fold`-th on."""
    mask = np.zeros(len(y), bool)
    for label in np.unique(y):
        recordings = np.unique(groups[y == label])
        mask |= (y == label) & np.isin(groups, recordings[fold::2])
    return mask


def _whole_bouts(groups: np.ndarray, fold: int, folds: int, seed: int) -> np.ndarray:
    """Mask of whole bouts, assigned to `folds` at random so that each holds about the same number of windows."""
    bouts, sizes = np.unique(groups, return_counts=True)
    order = np.random.default_rng([seed, int(groups[0])]).permutation(len(bouts))
    n_windows = np.zeros(folds)
    fold_of = np.empty(len(bouts), np.int64)
    for bout in order:
        fold_of[bout] = n_windows.argmin()
        n_windows[fold_of[bout]] += sizes[bout]
    return np.isin(groups, bouts[fold_of == fold])


def _overlaps(data: ActivityData, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of `rows` overlap with any of `others`: same recording, closer than one window; (len(rows),) bool."""
    if data.window_readings == 0 or len(rows) == 0 or len(others) == 0:
        return np.zeros(len(rows), bool)
    near = np.abs(data.starts[rows][:, None] - data.starts[others][None]) < data.window_readings
    return (near & (data.recordings[rows][:, None] == data.recordings[others][None])).any(1)
