"""The four exercises of notebook 04: a lie that hurts, who was trained on, a private step, a word read back."""

from pmt_helpers.teaching.exercises.clip_and_noise import CLIP_AND_NOISE
from pmt_helpers.teaching.exercises.label_flip import LABEL_FLIP
from pmt_helpers.teaching.exercises.loss_threshold import LOSS_THRESHOLD
from pmt_helpers.teaching.exercises.recover_word import RECOVER_WORD

EXERCISES = (LABEL_FLIP, LOSS_THRESHOLD, CLIP_AND_NOISE, RECOVER_WORD)
