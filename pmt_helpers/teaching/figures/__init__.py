"""Every figure of the workbook: a function from a tidy frame or arrays to a Figure with its sentence."""

from pmt_helpers.teaching.figures.curves import accuracy_by_samples, gain_by_split, gain_of_each_person
from pmt_helpers.teaching.figures.forgetting import trade_off
from pmt_helpers.teaching.figures.held_out import bits_by_weight, gain_by_weight, held_out_by_iteration
from pmt_helpers.teaching.figures.leaks import (
    accuracy_and_attack,
    named_epsilon,
    privacy_price,
    roc,
    useful_and_telling,
)
from pmt_helpers.teaching.figures.likelihoods import likelihood_by_iteration, likelihood_by_share
from pmt_helpers.teaching.figures.models import three_models
from pmt_helpers.teaching.figures.one_topic import saving_by_target
from pmt_helpers.teaching.figures.people import confusion, per_person
from pmt_helpers.teaching.figures.poisoning import crafted_documents, defences, healing, poisoned_models
from pmt_helpers.teaching.figures.shown import Figure
from pmt_helpers.teaching.figures.signals import signals
from pmt_helpers.teaching.figures.training import split_comparison, training_history
from pmt_helpers.teaching.figures.windows import window_and_features

__all__ = [
    "Figure",
    "accuracy_and_attack",
    "accuracy_by_samples",
    "bits_by_weight",
    "confusion",
    "crafted_documents",
    "defences",
    "gain_by_split",
    "gain_by_weight",
    "gain_of_each_person",
    "healing",
    "held_out_by_iteration",
    "likelihood_by_iteration",
    "likelihood_by_share",
    "named_epsilon",
    "per_person",
    "poisoned_models",
    "privacy_price",
    "roc",
    "saving_by_target",
    "signals",
    "split_comparison",
    "three_models",
    "trade_off",
    "training_history",
    "useful_and_telling",
    "window_and_features",
]
