"""What the loaders return: labelled windows of movement, documents as word counts, raw recordings. Notebooks 01 to 06.

Arrays are read-only, so that all callers can share one copy of a dataset.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

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


def check_table(counts: Any, name: str = "counts") -> csr_array:
    """Documents x words as a csr_array of numbers whose entries all lie inside of it: SciPy itself does not look.

    Raises TypeError for what is no table of numbers, ValueError for another number of dimensions, no documents or no
    words, for entries of a document or word that there is not, and for what are no counts: NaN, negative, fractions.
    """
    try:
        dense = counts if issparse(counts) else np.asarray(counts)
        if dense.dtype == object:
            dense = dense.astype(float)
        table = csr_array(dense.astype(dense.dtype.newbyteorder("="), copy=False))
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be documents x words; got {type(counts).__name__}") from None
    if table.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be whole numbers; got {table.dtype}")
    if table.ndim != 2:
        raise ValueError(f"{name} have {table.ndim} dimensions, expected two: documents x words")
    if 0 in table.shape:
        raise ValueError(f"{name} have shape {table.shape}, expected documents x words, one or more of each")
    ends, words = table.indptr, table.indices
    in_order = len(ends) == table.shape[0] + 1 and ends[0] == 0 and (np.diff(ends) >= 0).all()
    if not in_order or ends[-1] > min(len(words), len(table.data)):
        raise ValueError(f"{name} are damaged: their documents do not end where the entries do")
    words, values = words[: ends[-1]], np.asarray(table.data, table.dtype.newbyteorder("="))[: ends[-1]]
    if len(words) and not (words.min() >= 0 and words.max() < table.shape[1]):
        raise ValueError(
            f"{name} hold words {words.min()} to {words.max()}, but there are {table.shape[1]:,}, numbered from 0"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} of {values.size} stored {name} are NaN or infinite")
    if (values < 0).any():
        raise ValueError(f"{(values < 0).sum()} of {values.size} stored {name} are negative, the lowest {values.min()}")
    if (values != np.floor(values)).any():
        fractions = values[values != np.floor(values)]
        found = f"for example {fractions[0]}"
        raise ValueError(f"{fractions.size} of {values.size} stored {name} are not whole numbers, {found}")
    if values.size and values.max() > _MAX_COUNT:
        raise ValueError(f"{name} hold {values.max():,}; a word is counted up to {_MAX_COUNT:,}")
    return csr_array((values, words, ends), shape=table.shape)


def _canonical(counts: csr_array) -> csr_array:
    """Counts as read-only int32: words in ascending order, none twice, no stored zeros."""
    rows = check_table(counts)
    canonical = csr_array((rows.data.astype(np.int32, copy=False), rows.indices, rows.indptr), shape=rows.shape)
    if not canonical.has_canonical_format or not canonical.data.all():
        canonical = canonical.copy()  # the caller's own matrix stays as it is
        canonical.sum_duplicates()
        canonical.eliminate_zeros()
    for name in ("data", "indices", "indptr"):
        array = getattr(canonical, name)
        setattr(canonical, name, _read_only(array, array.dtype))
    return canonical
