"""The four exercises of notebook 01: a feature, a forward pass, one training step, a split that does not leak."""

from pmt_helpers.teaching.exercises.forward_pass import FORWARD_PASS
from pmt_helpers.teaching.exercises.grouped_validation import GROUPED_VALIDATION
from pmt_helpers.teaching.exercises.mean_deviation import FEATURE_BY_HAND
from pmt_helpers.teaching.exercises.sgd_step import SGD_STEP

EXERCISES = (FEATURE_BY_HAND, FORWARD_PASS, SGD_STEP, GROUPED_VALIDATION)
