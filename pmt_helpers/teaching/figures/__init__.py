"""Every figure of the workbook: a function from a tidy frame or arrays to a Figure with its sentence.

A module per theme; start with style, which all of them share. The frame's columns stand in each docstring.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
