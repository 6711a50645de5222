"""Every figure of the workbook: a function from a tidy frame or arrays to a Figure with its sentence."""

from pmt_helpers.teaching.figures.curves import accuracy_by_samples, gain_by_split, gain_of_each_person
from pmt_helpers.teaching.figures.device import seconds_by_documents, seconds_by_samples
from pmt_helpers.teaching.figures.device_costs import latency, memory_by_kernel, where_time_goes
from pmt_helpers.teaching.figures.device_forecasts import energy, predicted_and_measured
from pmt_helpers.teaching.figures.device_rows import iteration_rows, spans_of, stored_iteration_rows, training_rows
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
    "energy",
    "gain_by_split",
    "gain_by_weight",
    "gain_of_each_person",
    "healing",
    "held_out_by_iteration",
    "iteration_rows",
    "latency",
    "likelihood_by_iteration",
    "likelihood_by_share",
    "memory_by_kernel",
    "named_epsilon",
    "per_person",
    "poisoned_models",
    "predicted_and_measured",
    "privacy_price",
    "roc",
    "saving_by_target",
    "seconds_by_documents",
    "seconds_by_samples",
    "signals",
    "spans_of",
    "split_comparison",
    "stored_iteration_rows",
    "three_models",
    "trade_off",
    "training_history",
    "training_rows",
    "useful_and_telling",
    "where_time_goes",
    "window_and_features",
]
