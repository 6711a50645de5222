"""Datasets of the workbook: finding, checking and loading them. Notebooks 01 and 03 introduce them.

load_activity("watch" | "wisdm") gives labelled windows, load_recordings("watch") the raw readings behind them.
load_documents("wikipedia" | "news" | "nips") gives documents as counts of words, load_own_documents your own texts.
Every dataset has a card (`data.card`); check_card measures again each number and each defect the card states.
Nothing here touches the network unless `python -m pmt_helpers data fetch` asks for it.
All trouble with data raises DataError, which says what was expected, what was found and what to do.
"""

from pmt_helpers.datasets.activity_data import ActivityData
from pmt_helpers.datasets.cards import DataCard, load_card
from pmt_helpers.datasets.checks import check_card
from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.own_documents import load_own_documents
from pmt_helpers.datasets.recordings import Recording
from pmt_helpers.datasets.registry import (
    activity_names,
    dataset_names,
    document_names,
    load_activity,
    load_documents,
    load_recordings,
)  # fmt: skip
from pmt_helpers.datasets.word_counts import WordCounts, count_documents

__all__ = [
    "ActivityData",
    "DataCard",
    "DataError",
    "DocumentData",
    "Recording",
    "WordCounts",
    "activity_names",
    "check_card",
    "count_documents",
    "dataset_names",
    "document_names",
    "load_activity",
    "load_card",
    "load_documents",
    "load_own_documents",
    "load_recordings",
]
