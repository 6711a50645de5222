"""Differential privacy for the shared model: DP-SGD, its accountant, and an audit that catches a leak. Notebook 04.

Names are loaded on first use (PEP 562), so that asking for an epsilon does not wait for Keras.
"""

from pmt_helpers.lazy import lazy

_HOME = {
    "Mechanism": "mechanism",
    "epsilon_of": "accountant",
    "noise_for": "accountant",
    "train_shared_private": "shared",
    "train_many_private": "shared",
    "PrivateModel": "shared",
    "public_scaler": "scaler",
    "private_scaler": "scaler",
    "audit": "auditing",
    "Audit": "auditing",
    "on_gradients": "auditing",
    "LEAKY": "leaky",
    "clip_and_noise": "plain",
    "window_gradients": "plain",
    "renyi_epsilon": "plain",
    "stored_privacy": "grid",
    "privacy_cost": "grid",
    "train_topics_private": "topics",
    "PrivateTopics": "topics",
    "noisy_counts": "document_counts",
}
__all__, __getattr__, __dir__ = lazy(__name__, _HOME)
