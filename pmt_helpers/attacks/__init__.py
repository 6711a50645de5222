"""Attacks on the shared and the personal model: poisoning, membership, inversion, leaks of windows and words.

Start reading at `poisoning` (bad training data) or `membership` (what a model gives away). Notebooks 04 and 05.
Names are loaded on first use, so that reading one module's result does not wait for Keras.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
