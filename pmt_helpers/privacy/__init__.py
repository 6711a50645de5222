"""Differential privacy for the shared model: DP-SGD, its accountant, and an audit that catches a leak. Notebook 04.

Names are loaded on first use (PEP 562), so that asking for an epsilon does not wait for Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
