"""Every figure of the workbook: a function from a tidy frame or arrays to a Figure with its sentence."""

from pmt_helpers.teaching.figures.curves import accuracy_by_samples, gain_by_split, gain_of_each_person
from pmt_helpers.teaching.figures.forgetting import trade_off
from pmt_helpers.teaching.figures.models import three_models
from pmt_helpers.teaching.figures.people import confusion, per_person
from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.signals import signals
from pmt_helpers.teaching.figures.training import split_comparison, training_history
from pmt_helpers.teaching.figures.windows import window_and_features

__all__ = [
    "Figure",
    "accuracy_by_samples",
    "confusion",
    "gain_by_split",
    "gain_of_each_person",
    "per_person",
    "signals",
    "split_comparison",
    "three_models",
    "trade_off",
    "training_history",
    "window_and_features",
]
