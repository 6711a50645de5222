"""A device at home: retrains each release on its owner's windows, keeps the better model, predicts from readings.

What is private is in this process and in the folder `private`; what goes on line is another process (visits.py), which
is told nothing of it. NumPy does the training, so that both together stay small: no Keras, no JAX, no pandas.
"""

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.similar import keep_better
from pmt_helpers.activity.weights import ARRAYS, Checkpoint, Windows, checkpoint_of
from pmt_helpers.datasets.arrays import pack_arrays, read_arrays
from pmt_helpers.datasets.features import extract_features
from pmt_helpers.system.bundle import Refused, held_manifest, open_payload, read_payload, write_whole
from pmt_helpers.system.visits import Plan, peak_mb

if TYPE_CHECKING:
    from pmt_helpers.activity.splits import UserSplit
    from pmt_helpers.datasets.base import ActivityData

PARTS = ("train", "validation", "test")
EPOCHS = 300
KEPT = (*ARRAYS, "seen", "class_names", "window_s", "rate_hz")

Span = Callable[..., AbstractContextManager[Any]]  # pi_profile.Recorder.span, or nothing


class Device:
    """One person's device.

    Parameters
    ----------
    folder: where it keeps what it downloaded (`public`) and its own model (`private`).
    public_key: of the cloud, 32 bytes, pinned.
    windows: labelled windows by part (train, validation and, to measure, test): raw features and class numbers.
    class_names: of the labels; a release for other classes is then not trained on.
    span: records what training and predicting cost, as pi_profile.Recorder.span does.
    """

    def __init__(
        self, folder: str | Path, model: str, public_key: bytes, windows: dict[str, Windows],
        class_names: Sequence[str] | None = None, span: Span = lambda phase, **counts: nullcontext(),
    ) -> None:  # fmt: skip
        self.folder, self.model, self.public_key, self.windows = Path(folder), model, public_key, windows
        self._span, self._class_names = span, class_names
        self._kept = self.folder / "private" / "kept.npz"

    def update(self) -> dict[str, Any] | None:
        """Retrain the release that was downloaded, and keep the better of it and the model so far, on validation.

        Returns version, took (whether the new model is kept), seconds, and accuracies on the test windows, if there are
        any: shared, personal, kept. None when there is no release that it has not seen.
        Raises ValueError when the windows do not fit the release.
        """
        stated = held_manifest(self.folder / "public", self.model, self.public_key)
        old, stored = self._read_kept(stated)
        if stated is None or stated["version"] <= stored["seen"]:
            return None
        try:
            shared, card = open_payload(stated, read_payload(self.folder / "public", stated))
        except (OSError, Refused):  # a file was spoiled since; the next visit brings it again
            return None
        if self._class_names is not None and list(self._class_names) != stated["class_names"]:
            known, mine = ", ".join(stated["class_names"]), ", ".join(self._class_names)
            raise ValueError(f"the windows are labelled {mine}, and the release knows {known}: they do not fit")
        began = time.perf_counter()
        X, y = self.windows["train"]
        with self._span("train", n_samples=len(y), version=stated["version"]) as counts:
            validation = (shared.windows(self.windows["validation"][0]), self.windows["validation"][1])
            task = Task(shared.weights, shared.windows(X), y, validation)
            trained = train_online(task, epochs=EPOCHS, reference=True)
            if counts is not None:
                counts["updates"] = trained.epochs * len(y)
        personal = Checkpoint(trained.weights, shared.scaler)
        kept = personal if old is None else keep_better(old, personal, *self.windows["validation"])
        arrays = {**kept.arrays(), "seen": np.array(stated["version"])}
        names = {key: np.array(stated[key]) for key in ("class_names", "window_s", "rate_hz")}
        names["style"] = np.array(card.get("contract", {}).get("style", "plain"))
        write_whole(self._kept, pack_arrays({**arrays, **names}), 0o600)
        said = {"version": stated["version"], "took": kept is personal, "seconds": time.perf_counter() - began}
        if "test" in self.windows:
            X, y = self.windows["test"]
            for name, model in (("shared", shared), ("personal", personal), ("kept", kept)):
                said[name] = float((model.predict(X) == y).mean())
        return said

    def predict(self, readings: Iterable[Any]) -> Iterator[str]:
        """The activity in each window of a stream of readings, as soon as the window is full; windows overlap by half.

        readings: x, y, z in m/s2 with gravity, at the rate that the release states.
        Raises ValueError before the first model.
        """
        kept, stored = self._read_kept(None)
        if kept is None:
            raise ValueError("there is no model yet: a visit has to bring one first")
        names, rate_hz = stored["class_names"].tolist(), float(stored["rate_hz"])
        style = str(stored.get("style", "plain"))  # a home of an earlier version has none
        size = round(float(stored["window_s"]) * rate_hz)
        window: deque[Any] = deque(maxlen=size)
        until_full = size
        for reading in readings:
            window.append(reading)
            until_full -= 1
            if until_full == 0:
                until_full = size - size // 2
                with self._span("inference", n_samples=1):
                    features = extract_features(np.array(window, float)[None], rate_hz, style)
                    label = int(kept.predict(features)[0])
                yield names[label]

    def _read_kept(self, stated: dict[str, Any] | None) -> tuple[Checkpoint | None, dict[str, np.ndarray]]:
        """The model so far, unless it answers another question than the release, and what is stored beside it."""
        if not self._kept.exists():
            return None, {"seen": np.array(0)}
        arrays = read_arrays(self._kept, KEPT, "this device's own model")
        classes = arrays["class_names"].tolist()
        if stated is not None and stated["class_names"] != classes:
            return None, arrays
        features = [str(i) for i in range(len(arrays["scaler_mean"]))]
        return checkpoint_of(arrays, {"class_names": classes, "feature_names": features}, self._kept), arrays


def read_private(path: Path) -> dict[str, Any]:
    """`windows` by part, and `class_names`, of a file that write_private made: two arguments of a Device."""
    names = tuple(f"{part}_{name}" for part in PARTS[:2] for name in "Xy")
    arrays = read_arrays(path, (*names, "class_names"), "a person's windows")
    windows = {part: (arrays[f"{part}_X"], arrays[f"{part}_y"]) for part in PARTS if f"{part}_X" in arrays}
    return {"windows": windows, "class_names": arrays["class_names"].tolist()}


def windows_of(data: "ActivityData", split: "UserSplit") -> dict[str, Windows]:
    """The windows of a person of a data set, by part."""
    return {part: (data.X[getattr(split, part)], data.y[getattr(split, part)]) for part in PARTS}


def write_private(path: Path, windows: dict[str, Windows], class_names: Sequence[str]) -> None:
    """One person's windows for a device, readable by its owner alone."""
    arrays = {f"{part}_{name}": array for part, pair in windows.items() for name, array in zip("Xy", pair, strict=True)}
    write_whole(path, pack_arrays({**arrays, "class_names": np.array(class_names)}), 0o600)


def visits(plan: Plan) -> Iterator[dict[str, Any]]:
    """Start the process that keeps the schedule; yields what each visit brought. It ends with this one."""
    command = [sys.executable, "-m", "pmt_helpers.system.visits", json.dumps(plan._asdict())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                yield json.loads(line)
        finally:
            process.terminate()


def run(device: Device, plan: Plan) -> Iterator[dict[str, Any]]:
    """Visit as planned and retrain what came; yields, for each visit, what it brought and what `update` returned."""
    unseen = device.update()  # downloaded before this process was stopped
    if unseen:
        yield unseen
    for seen in visits(plan):
        yield {**seen, **(device.update() or {}), "visit_s": seen["seconds"]}


def main() -> int:
    """A device as a process, for `live`: a plan and the file of windows in the only argument, lines of JSON out."""
    told = json.loads(sys.argv[1])
    plan = Plan(**told["plan"])
    folder = Path(plan.folder).parent
    device = Device(folder, plan.model, bytes.fromhex(plan.public_key), **read_private(Path(told["windows"])))
    for seen in run(device, plan):
        print(json.dumps({**seen, "home_mb": peak_mb()}), flush=True)
    heavy = {"keras", "jax", "numba", "pandas", "scipy", "sklearn"} & set(sys.modules)
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
