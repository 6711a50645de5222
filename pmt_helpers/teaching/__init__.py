"""What a learner meets in a notebook: checks, figures, widgets, the claims table. Heavy parts load when first used."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
