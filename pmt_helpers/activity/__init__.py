"""Activity recognition: windows, features, splits, the network, and its shared, local and personal models.

Names are loaded on first use (PEP 562), so that computing features does not wait for Keras.
"""

from importlib import import_module
from typing import Any

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
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
