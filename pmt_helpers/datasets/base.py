"""What the loaders return: labelled windows of movement, documents as word counts, raw recordings. Notebooks 01 to 06.

Arrays are read-only, so that all callers can share one copy of a dataset.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.cards import DataCard

_WINDOW_ARRAYS = ("X", "y", "users", "recordings", "starts")
_MAX_COUNT = np.iinfo(np.int32).max


def _read_only(array: Any, dtype: Any) -> np.ndarray:
    """A read-only view; the caller's own array stays writable."""
    view = np.asarray(array, dtype=dtype).view()
    view.setflags(write=False)
    return view


@dataclass(frozen=True, eq=False, repr=False)
class ActivityData:
    """Labelled windows of movement, one row per window.

    X: (n, n_features) float32, NaN = missing. y: (n,) int64, index into class_names. users: (n,) int64.
    recordings: (n,) int64, number of the recording or bout, unique over users.
    starts: (n,) int64, first reading of the window inside its recording (row number where readings are not known).
    window_readings: readings in a window; 0 where windows never overlap.
    Raises ValueError when shapes, types or labels do not fit together.
    """

    X: np.ndarray
    y: np.ndarray
    users: np.ndarray
    recordings: np.ndarray
    starts: np.ndarray
    window_readings: int
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    card: DataCard

    def __post_init__(self) -> None:
        for name in _WINDOW_ARRAYS:
            dtype = np.float32 if name == "X" else np.int64
            object.__setattr__(self, name, _read_only(getattr(self, name), dtype))
        shape = (len(self.y), len(self.feature_names))
        if self.X.shape != shape:
            raise ValueError(f"X has shape {self.X.shape}, expected (windows, features) = {shape}")
        for name in _WINDOW_ARRAYS[1:]:
            if getattr(self, name).shape != (len(self.y),):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected one value per window")
        if np.isinf(self.X).any():
            raise ValueError("X holds infinite values; only finite numbers and NaN (missing) are allowed")
        if len(self.y) and not (self.y.min() >= 0 and self.y.max() < len(self.class_names)):
            raise ValueError(f"y runs from {self.y.min()} to {self.y.max()}, expected 0 to {len(self.class_names) - 1}")

    @property
    def user_ids(self) -> np.ndarray:
        """The users who have windows here, in ascending order."""
        return np.unique(self.users)

    @property
    def summary(self) -> str:
        """How much there is, in one phrase."""
        return f"{len(self):,} windows of {len(self.user_ids)} people"

    def rows_without(self, user: int | None) -> np.ndarray:
        """Numbers of the windows of everybody but `user` (None: of all). Raises ValueError for an unknown user."""
        if user is not None and user not in self.user_ids:
            raise ValueError(f"no user {user} in {self.card.name}; users are {', '.join(map(str, self.user_ids))}")
        return np.arange(len(self)) if user is None else np.flatnonzero(self.users != user)

    def select(self, mask: np.ndarray) -> "ActivityData":
        """The windows that mask (boolean, or indices) picks, in its order."""
        return replace(self, **{name: getattr(self, name)[mask] for name in _WINDOW_ARRAYS})

    def by_user(self) -> dict[int, "ActivityData"]:
        """Each user's windows, in the order in which they stand here; a user costs the same, however many there are."""
        order = np.argsort(self.users, kind="stable")
        ids, first = np.unique(self.users[order], return_index=True)
        return {int(user): self.select(rows) for user, rows in zip(ids, np.split(order, first[1:]), strict=False)}

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        sizes = f"{len(self):,} windows, {len(self.user_ids)} users, {len(self.class_names)} classes"
        return f"ActivityData({self.card.name}: {sizes}, {len(self.feature_names)} features)"


@dataclass(frozen=True, eq=False)
class Recording:
    """One person doing one activity, as raw readings.

    number: its place in the file, the same as in ActivityData.recordings. signal: (n_readings, 3) float64, read-only,
    acceleration in m/s2 with gravity, axes x, y, z of the device. side: "left" or "right" arm, where that is known.
    """

    number: int
    signal: np.ndarray
    rate_hz: float
    user: int
    class_name: str
    side: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.signal) / self.rate_hz


@dataclass(frozen=True, eq=False, repr=False)
class DocumentData:
    """Documents as counts of words: one row per document, one column per word.

    counts: (n_docs, n_words) csr_array of int32, how often each word occurs in each document; no zeros are stored.
    vocabulary: the word of each column. names: (n_docs,) text, what to call a document before a reader.
    groups: (n_docs,) text or int64. Documents of one group belong together (cut from one article, or copies of one
    text): never put some of them into training and others into test.
    dropped: (n_docs,) int64, tokens read but not counted: rare words, or words that a given vocabulary lacks.
    source: which file was read, in one phrase. skipped: (file name, reason) of files that could not be used.
    Raises ValueError when shapes, types or counts do not fit together, or a document has no words.
    """

    counts: csr_array
    vocabulary: tuple[str, ...]
    groups: np.ndarray
    names: np.ndarray
    dropped: np.ndarray
    card: DataCard
    source: str
    skipped: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", _canonical(self.counts))
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
        groups = np.asarray(self.groups)
        if groups.dtype.kind not in "iuU":
            raise ValueError(f"groups are of type {groups.dtype}, expected text or whole numbers")
        types = {"groups": str if groups.dtype.kind == "U" else np.int64, "names": str, "dropped": np.int64}
        for name, dtype in types.items():
            object.__setattr__(self, name, _read_only(getattr(self, name), dtype))
        n_docs, n_words = self.counts.shape
        if len(self.vocabulary) != n_words:
            raise ValueError(f"counts have {n_words} columns, but the vocabulary has {len(self.vocabulary)} words")
        if len(set(self.vocabulary)) != n_words:
            raise ValueError("the vocabulary holds a word twice")
        for name in types:
            if getattr(self, name).shape != (n_docs,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected one value per document")
        if not self.lengths.all():
            raise ValueError(f"{(self.lengths == 0).sum()} of {n_docs} documents have no words; leave them out")

    @property
    def lengths(self) -> np.ndarray:
        """(n_docs,) int64: tokens in each document."""
        return np.asarray(self.counts.sum(axis=1), dtype=np.int64)

    @property
    def tokens(self) -> int:
        """Words counted, repetitions included."""
        return int(self.lengths.sum())

    @property
    def summary(self) -> str:
        """How much there is, in one phrase."""
        return f"{len(self):,} documents, {len(self.vocabulary):,} words, {self.tokens:,} tokens"

    def select(self, mask: np.ndarray) -> "DocumentData":
        """The documents that mask (boolean, or indices) picks, in its order; the vocabulary stays the same."""
        rows = {name: getattr(self, name)[mask] for name in ("groups", "names", "dropped")}
        return replace(self, counts=self.counts[mask], **rows)

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def __repr__(self) -> str:
        return f"DocumentData({self.card.name}: {self.summary})"


def _canonical(counts: csr_array) -> csr_array:
    """Counts as read-only int32: words in ascending order, none twice, no stored zeros."""
    rows = csr_array(counts)
    if rows.ndim != 2:
        raise ValueError(f"counts have {rows.ndim} dimensions, expected documents x words")
    invalid = (rows.data != np.round(rows.data)) | (rows.data < 0) | (rows.data > _MAX_COUNT)
    if invalid.any():
        raise ValueError(f"counts hold {rows.data[invalid][0]}; only whole numbers from 0 on are allowed")
    canonical = csr_array((rows.data.astype(np.int32, copy=False), rows.indices, rows.indptr), shape=rows.shape)
    if not canonical.has_canonical_format or not canonical.data.all():
        canonical = canonical.copy()  # the caller's own matrix stays as it is
        canonical.sum_duplicates()
        canonical.eliminate_zeros()
    for name in ("data", "indices", "indptr"):
        array = getattr(canonical, name)
        setattr(canonical, name, _read_only(array, array.dtype))
    return canonical
