"""The whole system: signed releases, a cloud and mirrors that hand them out, devices that retrain at home. Notebook 07.

Start reading at bundle.py (what is signed), then wire.py (what a device can say) and device.py (what stays at home).
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
