"""The device: a recorder of what training costs, its logs, and a model of the cost. Notebook 06.

Start with `pi_profile`, the one file that a Raspberry Pi runs; `logs` reads what it writes, `cost_model` predicts it.
Names are loaded on first use, so that recording does not pay for reading.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
