"""Topic models at home: a Gibbs sampler for LDA, shared, local and personal topics, and how well they foretell.

Names are loaded on first use (PEP 562), so that reading counts does not wait for Numba.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
