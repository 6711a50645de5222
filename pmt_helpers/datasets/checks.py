"""Measuring again what a data card states. Notebooks 01 and 03; `python -m pmt_helpers data check`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pmt_helpers.datasets import (
    news_measures,
    nips_measures,
    own_documents,
    watch_measures,
    wikipedia_measures,
    wisdm_measures,
)  # fmt: skip
from pmt_helpers.datasets.activity_data import ActivityData
from pmt_helpers.datasets.document_data import DocumentData

if TYPE_CHECKING:
    import pandas as pd

Measure = Callable[[Any], dict[str, Any]]  # from a dataset of the right kind to the values of one statement
MEASURES: Mapping[str, Mapping[str, Measure]] = {
    "watch": watch_measures.MEASURES,
    "wisdm": wisdm_measures.MEASURES,
    "wikipedia": wikipedia_measures.MEASURES,
    "news": news_measures.MEASURES,
    "nips": nips_measures.MEASURES,
    "own": own_documents.MEASURES,
}


def check_card(data: ActivityData | DocumentData) -> "pd.DataFrame":
    """Each statement of data's card, what it states, what this data holds, and whether the two agree.

    Returns columns what, stated, found (text) and ok (boolean; missing where the file needed is not at hand).
    """
    import pandas as pd  # here, not above: loading data must not wait for it

    measures = MEASURES[data.card.name]
    rows = []
    for statement in data.card.facts + data.card.defects:
        found = measures[statement.id](data)
        ok = found == dict(statement.expected) if found else pd.NA
        rows.append((str(statement), in_words(statement.expected), in_words(found) or "not checked: no file", ok))
    return pd.DataFrame(rows, columns=["what", "stated", "found", "ok"]).astype({"ok": "boolean"})


def in_words(values: Mapping[str, Any]) -> str:
    """Values as one line: name value, name value."""
    return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
