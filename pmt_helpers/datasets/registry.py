"""Which datasets there are, and one door to each kind: labelled windows of movement, and documents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pmt_helpers.datasets import mine, news, nips, own_documents, watch, wikipedia, wisdm, wisdm_card, wisdm_raw
from pmt_helpers.datasets.base import ActivityData, DocumentData, Recording
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.measures import Measure

if TYPE_CHECKING:
    import pandas as pd

Data = TypeVar("Data", ActivityData, DocumentData)


@dataclass(frozen=True)
class Dataset(Generic[Data]):
    """How to find a dataset on this machine, load it, and measure again what its card states.

    fetch: download it (None: it comes with an installed package). recordings: its raw readings, where it has them.
    """

    find: Callable[[], Path | None]
    load: Callable[..., Data]
    measures: Mapping[str, Measure]
    fetch: Callable[[], Path] | None = None
    package: str = ""
    recordings: Callable[[], tuple[Recording, ...]] = tuple


# One line each; all else that the workbook needs to know of a dataset is on its card, data/cards/NAME.toml.
ACTIVITY: dict[str, Dataset[ActivityData]] = {
    "watch": Dataset(
        watch.find_watch, watch.load_watch, watch.STATEMENTS, package="seglearn", recordings=watch.load_watch_recordings
    ),
    "wisdm": Dataset(
        wisdm.find_wisdm, wisdm.load_wisdm, wisdm_card.STATEMENTS, wisdm.fetch_wisdm, recordings=wisdm_raw.load_raw
    ),
}
OWN: dict[str, Dataset[ActivityData]] = {
    mine.NAME: Dataset(mine.find_mine, mine.load_mine, mine.STATEMENTS, recordings=mine.load_my_recordings)
}
DOCUMENTS: dict[str, Dataset[DocumentData]] = {
    "wikipedia": Dataset(wikipedia.find_wikipedia, wikipedia.load_wikipedia, wikipedia.STATEMENTS, package="gensim"),
    "news": Dataset(news.find_news, news.load_news, news.STATEMENTS, package="gensim"),
    "nips": Dataset(nips.find_nips, nips.load_nips, nips.STATEMENTS, nips.fetch_nips),
}


def activity_names() -> tuple[str, ...]:
    """The data sets that load_activity knows; it also knows "mine", one of them and you."""
    return tuple(ACTIVITY)


def document_names() -> tuple[str, ...]:
    """Names that load_documents knows."""
    return tuple(DOCUMENTS)


def dataset_names() -> tuple[str, ...]:
    """Every dataset's name."""
    return activity_names() + document_names()


def dataset(name: str) -> Dataset[Any]:
    """The entry of that name, of either kind. Raises DataError for an unknown one."""
    return _entry(name, {**ACTIVITY, **OWN, **DOCUMENTS})


def load_activity(name: str = "watch") -> ActivityData:
    """Labelled windows of a dataset: "watch" (installed with the workbook) or "wisdm" (fetched once, on request).

    "mine" is that of the two whose activities your own labelled recordings show, with you as one more person, number 0.
    Never touches the network. Raises DataError, which says what to do, when the data is missing or damaged.
    """
    return _entry(name, {**ACTIVITY, **OWN}).load()


def load_recordings(name: str = "watch") -> tuple[Recording, ...]:
    """The raw recordings of "watch", of "wisdm" where its raw file is, or of "mine". Raises DataError."""
    return _entry(name, {**ACTIVITY, **OWN}).recordings()


def load_documents(
    name: str = "wikipedia", vocabulary: Sequence[str] | None = None,
    *, grow: bool = False, more_than: int | None = None,
) -> DocumentData:  # fmt: skip
    """Documents of a dataset, as counts of words. Never touches the network.

    Parameters
    ----------
    name: "wikipedia" or "news" (installed with the workbook) or "nips" (fetched once, on request).
    vocabulary: count exactly these words, in this order, and drop all others.
    grow: add the dataset's own words behind those of the vocabulary.
    more_than: for "nips" only, the words that occur more often (default 20; 0: all, which only the full table has).

    Raises DataError, which says what to do, for missing or damaged data, or a document without a word of it.
    """
    entry = _entry(name, DOCUMENTS)
    if more_than is None:
        return entry.load(vocabulary, grow=grow)
    if name != "nips":
        expected, remedy = 'more_than for "nips" only', "Leave it out: the rule of this dataset is on its card."
        raise DataError(file=f"dataset {name!r}", expected=expected, found=f"more_than={more_than}", remedy=remedy)
    return entry.load(vocabulary, grow=grow, more_than=more_than)


def _entry(name: str, known: Mapping[str, Dataset[Any]]) -> Dataset[Any]:
    if name in known:
        return known[name]
    remedy = "Check the spelling; `python -m pmt_helpers data list` shows what there is."
    if name in ACTIVITY:
        remedy = f'{name} holds windows of movement: load_activity("{name}") loads it.'
    if name in DOCUMENTS:
        remedy = f'{name} holds documents: load_documents("{name}") loads it.'
    raise DataError(file=f"dataset {name!r}", expected=f"one of {', '.join(known)}", found=repr(name), remedy=remedy)


def check_card(data: ActivityData | DocumentData) -> "pd.DataFrame":
    """Each statement of data's card, what it states, what this data holds, and whether the two agree.

    Returns columns what, stated, found (text) and ok (boolean; missing where the file needed is not at hand).
    """
    import pandas as pd  # here, not above: loading data must not wait for it

    name = data.card.name
    measures = own_documents.STATEMENTS if name == own_documents.NAME else dataset(name).measures
    rows, others = [], data
    if isinstance(data, ActivityData):  # whatever a card does not say of you is about the others
        others = data.select(data.users != mine.YOU)
    for statement in data.card.facts + data.card.defects:
        own = mine.STATEMENTS.get(statement.id)
        found = own(data) if own else measures[statement.id](others)
        ok = found == dict(statement.expected) if found and statement.expected else pd.NA  # or: only counted
        rows.append((str(statement), in_words(statement.expected), in_words(found) or "not checked: no file", ok))
    return pd.DataFrame.from_records(rows, columns=["what", "stated", "found", "ok"]).astype({"ok": "boolean"})


def in_words(values: Mapping[str, Any]) -> str:
    """Values as one line: name value, name value."""
    return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
