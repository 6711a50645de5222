"""The four exercises of notebook 02: training step by step, when to stop, how sure a gain is, a split that leaks."""

from pmt_helpers.teaching.exercises.early_stopping import EARLY_STOPPING
from pmt_helpers.teaching.exercises.find_the_leak import FIND_THE_LEAK
from pmt_helpers.teaching.exercises.online_sgd import ONLINE_SGD
from pmt_helpers.teaching.exercises.paired_bootstrap import PAIRED_BOOTSTRAP

EXERCISES = (ONLINE_SGD, EARLY_STOPPING, PAIRED_BOOTSTRAP, FIND_THE_LEAK)
