"""Datasets of the workbook: finding, checking and loading windows of movement and documents. Notebooks 01 and 03.

Start with registry.py (which datasets there are) and base.py (what load_activity and load_documents return). Each has a
card, data/cards/NAME.toml; check_card measures again what it states. All trouble with data raises DataError.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
