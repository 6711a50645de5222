"""Attacks on the shared and the personal model: poisoning, membership, inversion, leaks of windows and words.

Start reading at `poisoning` (bad training data) or `membership` (what a model gives away). Notebooks 04 and 05.
Names are loaded on first use, so that reading one module's result does not wait for Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
