"""The four exercises of notebook 05: a log read, a line with its interval, throttle bits, a board not at hand."""

from pmt_helpers.teaching.exercises.fit_line import FIT_LINE
from pmt_helpers.teaching.exercises.parse_record import PARSE_RECORD
from pmt_helpers.teaching.exercises.predict_zero import PREDICT_ZERO
from pmt_helpers.teaching.exercises.throttle_bits import THROTTLE_BITS

EXERCISES = (PARSE_RECORD, FIT_LINE, THROTTLE_BITS, PREDICT_ZERO)
