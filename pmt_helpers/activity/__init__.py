"""Activity recognition: the network, how it is trained in the cloud and at home, splits, learning curves, gains.

Start reading at personal.py, then online.py (the training loop at home) and shared.py (the cloud). Names load on first
use, so that a device which only retrains (weights.py, online.py) never imports Keras.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
