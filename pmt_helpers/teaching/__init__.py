"""What a learner meets in a notebook: checks, figures, widgets, quizzes, the claims table; heavy parts load when used.

Start with exercises/ for what is asked, figures/ for what is drawn, claims for what the workbook says of the paper.
"""

from pmt_helpers.datasets.doors import open_door

__getattr__, __dir__, __all__ = open_door(__name__, __file__)
