"""Datasets of the workbook: finding, checking and loading them. Notebooks 01 and 03 introduce them.

load_activity("watch" | "wisdm") gives labelled windows, load_recordings("watch") the raw readings behind them.
load_documents("wikipedia" | "news" | "nips") gives documents as counts of words, load_own_documents your own texts.
Every dataset has a card (`data.card`); check_card measures again each number and each defect the card states.
Nothing here touches the network unless `python -m pmt_helpers data fetch` asks for it.
All trouble with data raises DataError, which says what was expected, what was found and what to do.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
