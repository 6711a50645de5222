"""Topic models at home: a Gibbs sampler for LDA; shared, local and personal topics; held-out evaluation.

Start reading at `personal` (what a device downloads and trains), then `gibbs` (how), `evaluation` (how well) and
`protocol` (the paper's figures). Names load on first use, so that reading counts does not wait for Numba.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
