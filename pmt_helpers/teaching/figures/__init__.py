"""Every figure of the workbook: a function from a tidy frame or arrays to a Figure with its sentence."""

from pmt_helpers.teaching.figures.curves import accuracy_by_samples, gain_by_split, gain_of_each_person
from pmt_helpers.teaching.figures.forgetting import trade_off
from pmt_helpers.teaching.figures.held_out import bits_by_weight, gain_by_weight, held_out_by_iteration
from pmt_helpers.teaching.figures.likelihoods import likelihood_by_iteration, likelihood_by_share
from pmt_helpers.teaching.figures.models import three_models
from pmt_helpers.teaching.figures.one_topic import saving_by_target
from pmt_helpers.teaching.figures.people import confusion, per_person
from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.signals import signals
from pmt_helpers.teaching.figures.training import split_comparison, training_history
from pmt_helpers.teaching.figures.windows import window_and_features

__all__ = [
    "Figure",
    "accuracy_by_samples",
    "bits_by_weight",
    "confusion",
    "gain_by_split",
    "gain_by_weight",
    "gain_of_each_person",
    "held_out_by_iteration",
    "likelihood_by_iteration",
    "likelihood_by_share",
    "per_person",
    "saving_by_target",
    "signals",
    "split_comparison",
    "three_models",
    "trade_off",
    "training_history",
    "window_and_features",
]
