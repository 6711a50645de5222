"""Attacks on the shared and the personal model: poisoning, membership, inversion, leaks of words. Notebook 04.

Names are loaded on first use (PEP 562), so that reading a stored result does not wait for Keras.
"""

from pmt_helpers.lazy import lazy

_HOME = {
    "poison_volunteers": "poisoning",
    "poison_user": "poisoning",
    "malicious_volunteers": "poisoning",
    "Trigger": "backdoor",
    "attack_success": "backdoor",
    "outlier_filter": "defences",
    "neighbour_filter": "defences",
    "DEFENCES": "defences",
    "train_averaged": "robust_average",
    "Budget": "red_team",
    "score_attack": "red_team",
    "score_defence": "blue_team",
    "stored_poisoning": "poison_table",
    "healing_curve": "poison_table",
    "windows_to_heal": "poison_table",
    "stored_defences": "defence_grid",
    "compare_defences": "defence_grid",
    "who_pays": "defence_grid",
    "membership_inference": "membership",
    "attack_shared": "membership",
    "attack_personal": "membership",
    "Membership": "membership",
    "personal_game": "membership_games",
    "window_game": "membership_games",
    "person_games": "membership_games",
    "invert_model": "inversion",
    "compare_inversions": "inversion",
    "recover_from_gradient": "gradient_leak",
    "gradient_at": "gradient_leak",
    "leak_by_batch": "gradient_leak",
    "recover_word_counts": "vocabulary",
    "recover_added_words": "vocabulary",
    "RecoveredCounts": "vocabulary",
    "publish": "publishing",
    "leak": "publishing",
    "attack_topics": "topic_membership",
    "document_scores": "topic_membership",
    "poison_documents": "poisoned_documents",
    "association": "poisoned_documents",
    "cap_repeats": "poisoned_documents",
    "poison_topics": "poisoned_topics",
    "heal_topics": "poisoned_topics",
    "documents_to_heal": "poisoned_topics",
    "stored_topic_attacks": "topic_grids",
}
__all__, __getattr__, __dir__ = lazy(__name__, _HOME)
