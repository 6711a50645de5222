"""Differential privacy for shared models: DP-SGD, its accountant, private topics, and an audit. Notebook 05.

Start reading at `reference` (one step by hand), then `noise` (exact and secret), `dp_sgd`, `accountant` (what it
costs), `shared` and `topics` (what is published). Names load on first use: asking for an epsilon never loads Keras.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
