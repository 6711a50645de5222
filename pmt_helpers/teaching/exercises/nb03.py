"""The four exercises of notebook 03: one Gibbs update, words of one's own, the other half of a document, one weight."""

from pmt_helpers.teaching.exercises.choose_weight import CHOOSE_WEIGHT
from pmt_helpers.teaching.exercises.document_completion import DOCUMENT_COMPLETION
from pmt_helpers.teaching.exercises.gibbs_update import GIBBS_UPDATE
from pmt_helpers.teaching.exercises.grow_dictionary import GROW_DICTIONARY

EXERCISES = (GIBBS_UPDATE, GROW_DICTIONARY, DOCUMENT_COMPLETION, CHOOSE_WEIGHT)
