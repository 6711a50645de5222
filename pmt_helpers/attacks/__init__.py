"""Attacks on the shared and the personal model: poisoning, membership, inversion, leaks of words. Notebook 04.

Names are loaded on first use (PEP 562), so that reading a stored result does not wait for Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
