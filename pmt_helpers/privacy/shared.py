"""The shared model, trained so that no window, or no volunteer, shows in it. Notebook 05."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pmt_helpers.activity.model import ActivityModel, build_mlp
from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.privacy.accountant import Mechanism, calibrate_noise, check_clip_norm, check_target, epsilon_of
from pmt_helpers.privacy.dp_sgd import DPSGDConfig, Units, train
from pmt_helpers.privacy.scaler import private_scaler, public_scaler

# One setting for every epsilon, found by looking at WISDM's people, which no epsilon here counts: at epsilon 8
# SGD's rates of 1 and 2 (Adam's .005 and .01) do equally well; at epsilon 1 a smaller rate, or Adam, would do better.
CONFIGS = {
    "example": DPSGDConfig("sgd", learning_rate=1.5, steps=500, sampling_prob=0.061),
    "user": DPSGDConfig("adam", learning_rate=0.01, steps=100, sampling_prob=0.5),
}
LEARNING_RATES = {"sgd": 1.5, "adam": 0.005}  # where another optimizer is chosen
SCALER_SHARE = 0.1  # of epsilon, for a private scaler
NO_GUARANTEE = "nothing: without noise there is no guarantee; only the clipping is the same"


@dataclass(frozen=True)
class PrivateModel(ActivityModel):
    """A shared model with a guarantee for each volunteer's window (level "example") or each volunteer ("user").

    epsilon, delta: what the whole of it spends, by dp-accounting; guarantee: what that covers, in a sentence.
    Personalising it keeps the volunteers' guarantee, and gives none to the person it is personalised for.
    """

    epsilon: float = math.inf
    delta: float = 1.0
    level: str = "example"
    noise_multiplier: float = 0.0
    guarantee: str = NO_GUARANTEE

    @property
    def val_accuracy(self) -> float:
        """There is none: validating on volunteers would be one more look at them."""
        raise AttributeError("a private model is trained without validation; test it on somebody else's windows")


def train_shared_private(
    data: ActivityData, exclude_user: int | None = None, epsilon: float = 8.0, delta: float = 1e-5,
    level: str = "example",
    *, clip: float = 1.0, steps: int | None = None, sampling: float | None = None, optimizer: str | None = None,
    learning_rate: float | None = None, scaler: str | Preprocessor = "public", init: str = "he", seed: int = 0,
    reference: bool = False, insecure_seed: int | None = None,
) -> PrivateModel:  # fmt: skip
    """The shared model on everybody but `exclude_user`, by DP-SGD with as much noise as epsilon and delta ask for.

    Training runs a fixed number of steps and never validates; settings are taken to be chosen beforehand.

    Parameters
    ----------
    epsilon: math.inf clips and adds no noise, to compare with.
    level: "example" protects each window, "user" each volunteer with all their windows.
    clip: largest L2 norm of a unit's gradient. sampling: each unit's probability to take part in a step.
    steps, sampling, optimizer, learning_rate: CONFIGS[level] by default.
    scaler: "public" (constants from the features' definitions, free), "private" (noisy moments, for a tenth of
        epsilon) or a Preprocessor of your own.
    seed: of the weights that training starts from, which are public.
    reference: form gradients in plain NumPy, to compare with.
    insecure_seed: of batches and noise that come out again, for experiments: whoever knows it can take them away. None
        draws both from the operating system's secure source, so that no two models are alike.

    Raises ValueError where nothing would be guaranteed.
    """
    if level not in CONFIGS:
        raise ValueError(f'level must be "example" (a window is protected) or "user" (a person is); got {level!r}')
    check_clip_norm(clip)
    volunteers = data.select(data.rows_without(exclude_user))
    groups = volunteers.users if level == "user" else np.arange(len(volunteers))
    n_units = len(np.unique(groups))
    if n_units == 0:
        raise ValueError("nobody is left to train on")
    check_target(epsilon, delta, n_units)
    default = CONFIGS[level]
    if learning_rate is None and optimizer not in (None, default.optimizer):
        learning_rate = LEARNING_RATES.get(optimizer)
    chosen: Any = {"optimizer": optimizer, "learning_rate": learning_rate, "steps": steps, "sampling_prob": sampling}
    config = replace(default, **{name: value for name, value in chosen.items() if value is not None})

    streams = None  # of their own for each model, as models that share their noise would tell by their difference
    if insecure_seed is not None:
        streams = [insecure_seed, 0 if exclude_user is None else exclude_user + 1]
    fitted, releases = _fit_scaler(scaler, volunteers, groups, epsilon, delta, streams)
    noise, spent, guarantee = 0.0, math.inf, NO_GUARANTEE
    if not math.isinf(epsilon):
        schedule = config.sampling_prob, config.steps
        noise = calibrate_noise(epsilon, delta, *schedule, n_units=n_units, releases=releases)
        spent = epsilon_of(Mechanism(clip, noise, *schedule), delta, n_units=n_units, releases=releases)
        guarantee = _guarantee(level, n_units, scaler, insecure_seed)
    X, y = fitted.transform(volunteers.X), volunteers.y
    units = Units.people(X, y, volunteers.users) if level == "user" else Units.windows(X, y)
    model = build_mlp(X.shape[1], len(data.class_names), init=init, seed=seed)
    options: dict[str, Any] = {"insecure_seed": streams, "reference": reference}
    model.set_weights(train(model.get_weights(), units, config, clip, noise, **options))

    # The card has what was released and what is public: no list of volunteers, no number of windows, nobody left out.
    promise: dict[str, Any] = {"level": level, "delta": delta, "noise_multiplier": noise, "guarantee": guarantee}
    card: dict[str, Any] = {
        "dataset": data.card.name, "recipe": "private", "init": init, "seed": seed, "insecure_seed": insecure_seed,
        "epsilon": spent if noise else None,  # JSON has no infinity
        "clip_norm": clip, "scaler": scaler if isinstance(scaler, str) else "given", **promise, **vars(config),
    }  # fmt: skip
    return PrivateModel(model, fitted, data.feature_names, data.class_names, card=card, epsilon=spent, **promise)


def _fit_scaler(
    scaler: str | Preprocessor, data: ActivityData, groups: np.ndarray, epsilon: float, delta: float,
    streams: list[int] | None,
) -> tuple[Preprocessor, tuple[float, ...]]:  # fmt: skip
    """The scaler, and the noise multipliers of what it released about the volunteers."""
    if isinstance(scaler, Preprocessor):
        return scaler, ()
    if scaler == "public":
        return public_scaler(data.feature_names), ()
    if scaler != "private":
        raise ValueError(
            f'scaler must be "public", "private" or a Preprocessor made without these volunteers; got {scaler!r}. One '
            "fitted on them publishes their exact means, which no epsilon covers"
        )
    noise = 0.0
    if not math.isinf(epsilon):  # a single Gaussian release
        noise = calibrate_noise(SCALER_SHARE * epsilon, delta, 1.0, 1, n_units=len(np.unique(groups)))
    rng = None if streams is None else np.random.default_rng([*streams, 2])
    return private_scaler(data.X, groups, data.feature_names, noise, rng), (noise,) if noise else ()


def _guarantee(level: str, n_units: int, scaler: str | Preprocessor, insecure_seed: int | None) -> str:
    whom = "each volunteer with all their windows" if level == "user" else "each single window of a volunteer"
    of_scaler = "The scaler you gave is assumed to be public"
    if isinstance(scaler, str):
        public, private = (
            "The scaler is public knowledge and tells nothing",
            "The scaler's noisy moments are counted in",
        )
        of_scaler = public if scaler == "public" else private
    number = f"The number of {'volunteers' if level == 'user' else 'windows'} ({n_units:,}) is assumed to be public"
    known = f". All this holds only against those who do not know the seed of the noise, {insecure_seed}"
    told = f"{whom}: in the weights, and in how missing values are filled. {of_scaler}. {number}"
    return told + (known if insecure_seed is not None else "")
