"""Saving a model as what really travels: a small .npz of weights and a readable JSON card. Notebook 01, step 4.

No pickle: loading a stranger's model must never run a stranger's code.
"""

import hashlib
import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from pmt_helpers import __version__
from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.preprocessing import Preprocessor
from pmt_helpers.activity.shared import ActivityModel
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path

FORMAT = "pmt-activity-model/1"
WEIGHTS = ("hidden_kernel", "hidden_bias", "activity_kernel", "activity_bias")


def save_model(trained: ActivityModel, path: str | Path) -> Path:
    """Write `path`.npz (weights and scaler, float32) and `path`.json (classes, features, training, digest).

    Returns the path of the .npz. Each file appears whole or not at all.
    """
    npz = Path(path).with_suffix(".npz")
    arrays = dict(zip(WEIGHTS, trained.model.get_weights(), strict=True))
    arrays |= {"scaler_mean": trained.scaler.mean, "scaler_scale": trained.scaler.scale}
    with atomic_path(npz) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    card = {
        "format": FORMAT,
        "pmt_helpers": __version__,
        "keras": keras.__version__,
        "class_names": list(trained.class_names),
        "feature_names": list(trained.feature_names),
        "training": trained.card,
        "digest": _digest(arrays),
    }
    with atomic_path(npz.with_suffix(".json")) as part:
        part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return npz


def load_model(path: str | Path) -> ActivityModel:
    """Read a model written by save_model; without the training history, which does not travel.

    Raises DataError when a file is missing or damaged, when weights and card do not belong together, or when the
    shapes are not those of the network.
    """
    npz = Path(path).with_suffix(".npz")
    card = _read_card(npz.with_suffix(".json"))
    arrays = _read_arrays(npz)
    found = _digest(arrays)
    if found != card["digest"]:
        raise DataError(
            file=npz,
            expected=f"weights with digest {card['digest'][:12]}... as in its card",
            found=f"digest {found[:12]}...",
            remedy="copy the .npz and .json of one model together again",
        )
    n_features, n_classes = len(card["feature_names"]), len(card["class_names"])
    model = build_mlp(n_features, n_classes)
    expected = [tuple(w.shape) for w in model.get_weights()] + [(n_features,)] * 2
    shapes = [arrays[name].shape for name in (*WEIGHTS, "scaler_mean", "scaler_scale")]
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


def _digest(arrays: dict[str, np.ndarray]) -> str:
    """sha256 over names, shapes, types and bytes, in a fixed order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _read_card(path: Path) -> dict:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            file=path, expected="a model's JSON card", found="no file", remedy="keep .npz and .json together"
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            file=path, expected="a model's JSON card", found=str(error), remedy="save the model again"
        ) from None
    needed = {"format", "class_names", "feature_names", "training", "digest"}
    if not isinstance(card, dict) or card.get("format") != FORMAT or not needed <= set(card):
        found = f"format {card.get('format')!r}, keys {sorted(card)}" if isinstance(card, dict) else type(card).__name__
        raise DataError(
            file=path,
            expected=f"format {FORMAT!r} with {', '.join(sorted(needed))}",
            found=found,
            remedy="save the model again with this version of pmt_helpers",
        )
    return card


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(
            file=path, expected="a model's weights", found="no file", remedy="keep .npz and .json together"
        ) from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise DataError(
            file=path,
            expected="an .npz archive of plain arrays",
            found=f"{type(error).__name__}: {error}",
            remedy="copy or save the model again; the file is damaged",
        ) from None
    missing = {*WEIGHTS, "scaler_mean", "scaler_scale"} - set(arrays)
    if missing:
        raise DataError(
            file=path,
            expected=f"arrays {', '.join(WEIGHTS)}, scaler_mean, scaler_scale",
            found=f"without {', '.join(sorted(missing))}",
            remedy="save the model again",
        )
    return arrays
