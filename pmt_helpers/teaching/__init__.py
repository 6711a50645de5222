"""What a learner meets in a notebook: checks, figures, widgets, quizzes, the claims table; heavy parts load when used.

Start with exercises/ for what is asked, figures/ for what is drawn, claims for what the workbook says of the paper.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
