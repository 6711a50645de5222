"""Labelled windows of movement, ready for a model: what load_activity returns. Notebooks 01, 02, 04 and 05."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from pmt_helpers.datasets.cards import DataCard

_ARRAYS = ("X", "y", "users", "recordings", "starts")


@dataclass(frozen=True, eq=False, repr=False)
class ActivityData:
    """One row a window. The arrays are read-only, so that everybody can share one copy.

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
        for name in _ARRAYS:
            dtype = np.float32 if name == "X" else np.int64
            view = np.asarray(getattr(self, name), dtype=dtype).view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)
        shape = (len(self.y), len(self.feature_names))
        if self.X.shape != shape:
            raise ValueError(f"X has shape {self.X.shape}, expected (windows, features) = {shape}")
        for name in _ARRAYS[1:]:
            if getattr(self, name).shape != (len(self.y),):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected one value a window")
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

    def select(self, mask: np.ndarray) -> "ActivityData":
        """The windows that mask (boolean, or indices) picks, in its order."""
        return replace(self, **{name: getattr(self, name)[mask] for name in _ARRAYS})

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        sizes = f"{len(self):,} windows, {len(self.user_ids)} users, {len(self.class_names)} classes"
        return f"ActivityData({self.card.name}: {sizes}, {len(self.feature_names)} features)"


_LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False, repr=False)
class DocumentData:
    """One row a document, one column a word. The arrays are read-only, so that everybody can share one copy.

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
        object.__setattr__(self, "counts", _settled(self.counts))
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
        groups = np.asarray(self.groups)
        if groups.dtype.kind not in "iuU":
            raise ValueError(f"groups are of type {groups.dtype}, expected text or whole numbers")
        types = {"groups": str if groups.dtype.kind == "U" else np.int64, "names": str, "dropped": np.int64}
        for name, dtype in types.items():
            view = np.asarray(getattr(self, name), dtype=dtype).view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)
        n_docs, n_words = self.counts.shape
        if len(self.vocabulary) != n_words:
            raise ValueError(f"counts have {n_words} columns, but the vocabulary has {len(self.vocabulary)} words")
        if len(set(self.vocabulary)) != n_words:
            raise ValueError("the vocabulary holds a word twice")
        for name in types:
            if getattr(self, name).shape != (n_docs,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected one value a document")
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
        """The documents that mask (boolean, or indices) picks, in its order; the vocabulary stays whole."""
        rows = {name: getattr(self, name)[mask] for name in ("groups", "names", "dropped")}
        return replace(self, counts=self.counts[mask], **rows)

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def __repr__(self) -> str:
        return f"DocumentData({self.card.name}: {self.summary})"


def _settled(counts: csr_array) -> csr_array:
    """Counts as int32, words in ascending order, none twice, no stored zeros; over read-only views of the arrays."""
    given = csr_array(counts)
    if given.ndim != 2:
        raise ValueError(f"counts have {given.ndim} dimensions, expected documents x words")
    bad = (given.data != np.round(given.data)) | (given.data < 0) | (given.data > _LARGEST)
    if bad.any():
        raise ValueError(f"counts hold {given.data[bad][0]}; only whole numbers from 0 on are allowed")
    settled = csr_array((given.data.astype(np.int32, copy=False), given.indices, given.indptr), shape=given.shape)
    if not settled.has_canonical_format or not settled.data.all():
        settled = settled.copy()  # the caller's own matrix stays as it is
        settled.sum_duplicates()
        settled.eliminate_zeros()
    for name in ("data", "indices", "indptr"):
        view = getattr(settled, name).view()
        view.setflags(write=False)
        setattr(settled, name, view)
    return settled


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
