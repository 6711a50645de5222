"""The device: a recorder of what training costs, its logs, and a model of the cost. Notebook 06.

Start with `pi_profile`, the one file that a Raspberry Pi runs; `logs` reads what it writes, `cost_model` predicts it.
Names are loaded on first use, so that recording does not pay for reading.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
