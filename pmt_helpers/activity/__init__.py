"""Activity recognition: windows, features, splits, the network, and its shared, local and personal models.

Names are loaded on first use (PEP 562), so that computing features does not wait for Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
