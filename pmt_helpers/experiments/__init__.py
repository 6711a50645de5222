"""Every stored grid: computing it (`run_...`), resuming it, and reading it back (`stored_...`).

Start with `catalogue`: every experiment with its options. `resume` keeps job results, `results` the grids.
Each other module holds the experiments of one subject, and what notebooks compute from their grids.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
