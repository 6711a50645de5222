"""Every figure of the workbook: a function from a tidy frame or arrays to a Figure with its sentence."""

from pmt_helpers.teaching.figures.models import paper_curve, three_models
from pmt_helpers.teaching.figures.people import confusion, per_person
from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.signals import signals
from pmt_helpers.teaching.figures.training import split_comparison, training_history
from pmt_helpers.teaching.figures.windows import window_and_features

__all__ = [
    "Figure",
    "confusion",
    "paper_curve",
    "per_person",
    "signals",
    "split_comparison",
    "three_models",
    "training_history",
    "window_and_features",
]
