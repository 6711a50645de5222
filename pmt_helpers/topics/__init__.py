"""Topic models at home: a Gibbs sampler for LDA; shared, local and personal topics; held-out evaluation.

Start reading at `personal` (what a device downloads and trains), then `gibbs` (how), `evaluation` (how well) and
`protocol` (the paper's figures). Names load on first use, so that reading counts does not wait for Numba.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
