"""Differential privacy for shared models: DP-SGD, its accountant, private topics, and an audit. Notebook 05.

Start reading at `reference` (one step by hand), then `noise` (exact and secret), `dp_sgd`, `accountant` (what it
costs), `shared` and `topics` (what is published). Names load on first use: asking for an epsilon never loads Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
