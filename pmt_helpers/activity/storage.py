"""Saving a model as what really travels: a small .npz of weights and a readable JSON card. Notebook 01, step 4.

No pickle: loading a stranger's model must never run a stranger's code.
"""

from pathlib import Path

import keras

from pmt_helpers import __version__
from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.preprocessing import Preprocessor
from pmt_helpers.activity.shared import ActivityModel
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.plain_arrays import check_digest, digest, read_arrays, read_card, write_arrays, write_card

FORMAT = "pmt-activity-model/1"
WEIGHTS = ("hidden_kernel", "hidden_bias", "activity_kernel", "activity_bias")
SCALER = ("scaler_mean", "scaler_scale")


def save_model(trained: ActivityModel, path: str | Path) -> Path:
    """Write `path`.npz (weights and scaler, float32) and `path`.json (classes, features, training, digest).

    Returns the path of the .npz. Each file appears whole or not at all.
    """
    npz = Path(path).with_suffix(".npz")
    arrays = dict(zip(WEIGHTS, trained.model.get_weights(), strict=True))
    arrays |= {"scaler_mean": trained.scaler.mean, "scaler_scale": trained.scaler.scale}
    write_arrays(npz, arrays)
    card = {
        "format": FORMAT,
        "pmt_helpers": __version__,
        "keras": keras.__version__,
        "class_names": list(trained.class_names),
        "feature_names": list(trained.feature_names),
        "training": trained.card,
        "digest": digest(arrays),
    }
    write_card(npz.with_suffix(".json"), card)
    return npz


def load_model(path: str | Path) -> ActivityModel:
    """Read a model written by save_model; without the training history, which does not travel.

    Raises DataError when a file is missing or damaged, when weights and card do not belong together, or when the
    shapes are not those of the network.
    """
    npz = Path(path).with_suffix(".npz")
    card = read_card(npz.with_suffix(".json"), FORMAT, {"class_names", "feature_names", "training", "digest"})
    arrays = read_arrays(npz, (*WEIGHTS, *SCALER), "a model's weights")
    check_digest(npz, arrays, card["digest"])
    n_features, n_classes = len(card["feature_names"]), len(card["class_names"])
    model = build_mlp(n_features, n_classes)
    expected = [tuple(w.shape) for w in model.get_weights()] + [(n_features,)] * 2
    shapes = [arrays[name].shape for name in (*WEIGHTS, *SCALER)]
    if shapes != expected:
        raise DataError(
            file=npz,
            expected=f"arrays of shapes {expected} for {n_features} features and {n_classes} classes",
            found=str(shapes),
            remedy="train and save the model again; this file is of another network",
        )
    model.set_weights([arrays[name] for name in WEIGHTS])
    scaler = Preprocessor(arrays["scaler_mean"], arrays["scaler_scale"])
    return ActivityModel(model, scaler, tuple(card["feature_names"]), tuple(card["class_names"]), card=card["training"])
