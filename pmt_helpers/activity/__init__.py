"""Activity recognition: windows, features, splits, the network, and its shared, local and personal models.

Names are loaded on first use (PEP 562), so that computing features does not wait for Keras.
"""

from pmt_helpers.lazy import lazy

_HOME = {
    "Person": "person",
    "build_mlp": "model",
    "train_shared": "shared",
    "ActivityModel": "shared",
    "personalise": "personal",
    "train_local": "personal",
    "learning_curve": "protocol",
    "paired_gain": "gains",
    "save_model": "storage",
    "load_model": "storage",
    "split_user": "splits",
    "extract_features": "features",
    "FEATURE_NAMES": "features",
    "base_model_grid": "base_grid",
}
__all__, __getattr__, __dir__ = lazy(__name__, _HOME)
