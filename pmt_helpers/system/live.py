"""The whole system on this machine: a cloud, devices as processes of their own, and a better model meanwhile."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zmq

from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.splits import split_user
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.system.bundle import describe, make_release, new_signing_key
from pmt_helpers.system.cloud import Shelf
from pmt_helpers.system.device import windows_of, write_private
from pmt_helpers.system.visits import Plan

if TYPE_CHECKING:
    import pandas as pd

FEW = 2  # volunteers of the first release
LONGEST_S = 120.0


def run_system(data: ActivityData, people: Sequence[int], n_samples: int = 20, seed: int = 0) -> "pd.DataFrame":
    """A cloud, encrypted, on loopback, and a device process for each of `people`, through two releases.

    Version 1 is trained on two of the other people, version 2 on all of them once every device has retrained the first.
    Returns a row for each person and version: user, version, bytes_up, bytes_down, seconds (of the download), peak_mb
    (the device's two processes together), accuracy of shared, personal and kept, and took (whether the new model was
    kept). n_samples: labelled windows of each person; as many validate.
    Raises ValueError for unknown people and when nobody is left to volunteer, RuntimeError when a device fails.
    """
    import pandas as pd

    volunteers = [user for user in data.user_ids if user not in people]
    if len(volunteers) <= FEW:
        raise ValueError(f"people leave {len(volunteers)} volunteers; more than {FEW} are needed")
    splits = {user: split_user(data, user, seed=seed).first(n_samples) for user in people}
    secret, public = new_signing_key()
    keys = zmq.curve_keypair()

    def release(version: int, users: Sequence[int]) -> None:
        model = train_shared_fast(data.select(np.isin(data.users, users)), seed=seed)
        expires = date.today() + timedelta(days=30)
        options: dict[str, Any] = {"name": name, "version": version, "expires": expires, "signing_key": secret}
        make_release(model, describe(data), **options).write(home / "shelf")

    name = data.card.name
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        release(1, volunteers[:FEW])
        shelf = Shelf(home / "shelf", keys=keys)
        shelf.start()
        processes = {}
        try:
            for user, split in splits.items():
                place = home / f"device{user}"
                write_private(place / "windows.npz", windows_of(data, split), data.class_names)
                plan = Plan(
                    str(place / "public"), shelf.address, name, public.hex(), keys[0].decode(),
                    every_s=1.0, visits=round(LONGEST_S), until=2,
                )  # fmt: skip
                told = json.dumps({"plan": plan._asdict(), "windows": str(place / "windows.npz")})
                command = [sys.executable, "-m", "pmt_helpers.system.device", told]
                with (place / "said").open("w") as said:
                    processes[user] = subprocess.Popen(command, stdout=said)
            _wait_for([home / f"device{user}" / "private" / "kept.npz" for user in people])
            release(2, volunteers)
            codes = {user: process.wait(LONGEST_S) for user, process in processes.items()}
            said_by = {user: (home / f"device{user}" / "said").read_text() for user in people}
        finally:
            shelf.stop()
            for process in processes.values():
                process.kill()
                process.wait()
    if any(codes.values()):
        raise RuntimeError("\n".join(f"device {user}: {said_by[user][-2000:]}" for user in people if codes[user]))
    seen = [{"user": user, **json.loads(line)} for user in people for line in said_by[user].splitlines()]
    table = pd.DataFrame([row for row in seen if row["version"]]).assign(peak_mb=lambda t: t["peak_mb"] + t["home_mb"])
    table = table.drop(columns="seconds").rename(columns={"up": "bytes_up", "down": "bytes_down", "visit_s": "seconds"})
    columns = ["user", "version", "bytes_up", "bytes_down", "seconds", "peak_mb", "shared", "personal", "kept", "took"]
    return table[columns].sort_values(["version", "user"], ignore_index=True)


def _wait_for(paths: Sequence[Path]) -> None:
    until = time.monotonic() + LONGEST_S
    while not all(path.exists() for path in paths):
        if time.monotonic() > until:
            raise RuntimeError("a device did not retrain the first release")
        time.sleep(0.05)
