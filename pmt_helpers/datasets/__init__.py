"""Datasets of the workbook: finding, checking and loading them. Notebook 01 introduces them.

load_activity("watch" | "wisdm") gives labelled windows, load_recordings("watch") the raw readings behind them.
Every dataset has a card (`data.card`); check_card measures again each number and each defect the card states.
Nothing here touches the network unless `python -m pmt_helpers data fetch` asks for it.
All trouble with data raises DataError, which says what was expected, what was found and what to do.
"""

from pmt_helpers.datasets.activity_data import ActivityData
from pmt_helpers.datasets.cards import DataCard, load_card
from pmt_helpers.datasets.checks import check_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.recordings import Recording
from pmt_helpers.datasets.registry import dataset_names, load_activity, load_recordings

__all__ = [
    "ActivityData",
    "DataCard",
    "DataError",
    "Recording",
    "check_card",
    "dataset_names",
    "load_activity",
    "load_card",
    "load_recordings",
]
