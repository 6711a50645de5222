"""kill -9 at random moments: what is on disk is always whole, nothing that was held is lost, and all goes on.

python tests/system/test_kill.py 50
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from pmt_helpers.datasets.arrays import load_npz
from pmt_helpers.system.bundle import held_manifest, open_payload, public_half, read_payload
from pmt_helpers.system.device import write_private
from pmt_helpers.system.visits import Plan

ROOT = Path(__file__).resolve().parents[2]
PUBLISH = """
import sys, time
from pathlib import Path
from tests.system.conftest import release
from pmt_helpers.system.bundle import held_manifest, public_half
folder, secret = Path(sys.argv[1]), bytes.fromhex(sys.argv[2])
while True:
    held = held_manifest(folder, "watch", public_half(secret))
    release(held["version"] + 1 if held else 1, secret=secret).write(folder)
    time.sleep(0.01)
"""
SERVE = """
import sys, time
from pmt_helpers.system import Shelf
shelf = Shelf(sys.argv[1], sys.argv[2]); shelf.start(); shelf.join()
"""


class World:
    """A publisher that never rests, a shelf and a device; each can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.secret = folder, bytes(range(32))
        self.public = public_half(self.secret)
        port = 20000 + os.getpid() % 4000  # below those of tests/commands/test_system.py
        rng = np.random.default_rng(0)
        part = rng.normal(size=(6, 43)).astype("f4"), np.arange(6)
        write_private(folder / "windows.npz", {"train": part, "validation": part}, list("abcdef"))
        address = f"tcp://127.0.0.1:{port}"
        plan = Plan(str(folder / "device" / "public"), address, "watch", self.public.hex(), every_s=0.02,
                    visits=10**6, timeout_s=0.5)  # fmt: skip
        told = json.dumps({"plan": plan._asdict(), "windows": str(folder / "windows.npz")})
        self.commands = {
            "publisher": ["-c", PUBLISH, str(folder / "shelf"), self.secret.hex()],
            "shelf": ["-c", SERVE, str(folder / "shelf"), address],
            "device": ["-m", "pmt_helpers.system.device", told],
        }
        self.running: dict[str, subprocess.Popen] = {}
        self.versions = {"shelf": 0, "device": 0, "kept": 0}

    def start(self, who: str) -> None:
        command = [sys.executable, *self.commands[who]]
        self.running[who] = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)

    def kill(self, who: str) -> None:
        self.running[who].send_signal(signal.SIGKILL)
        self.running[who].wait()

    def look(self) -> None:
        """What is on disk is whole, and no version went back."""
        for who, folder in (("shelf", self.folder / "shelf"), ("device", self.folder / "device" / "public")):
            if (folder / "watch" / "head").exists():
                stated = held_manifest(folder, "watch", self.public)
                assert stated is not None, f"the head of {who} is not whole"
                if who not in self.running or self.running[who].poll() is not None:  # nobody replaces it meanwhile
                    open_payload(stated, read_payload(folder, stated))
                assert stated["version"] >= self.versions[who]
                self.versions[who] = stated["version"]
        kept = self.folder / "device" / "private" / "kept.npz"
        if kept.exists():
            seen = int(load_npz(kept)["seen"])
            assert seen >= self.versions["kept"]
            self.versions["kept"] = seen


def kill_at_random(folder: Path, times: int, seed: int) -> dict[str, Any]:
    """Kill one of the three so often, and look each time; then all must go on. Returns what was reached."""
    rng, world, killed = random.Random(seed), World(folder), {"publisher": 0, "shelf": 0, "device": 0}
    try:
        for who in world.commands:
            world.start(who)
        while not (folder / "device" / "private" / "kept.npz").exists():
            assert world.running["device"].poll() is None
            time.sleep(0.05)
        for _ in range(times):
            time.sleep(rng.uniform(0, 1.5))
            who = rng.choice(sorted(killed))
            assert world.running[who].poll() is None, f"{who} ended by itself"
            world.kill(who)
            killed[who] += 1
            world.look()
            world.start(who)
        for until in ("shelf", "device", "kept"):
            reached, stop = world.versions[until], time.monotonic() + 60
            while world.versions[until] <= reached:
                assert time.monotonic() < stop, f"{until} does not go on after version {reached}"
                time.sleep(0.1)
                world.look()
        return {"killed": killed, "versions": world.versions}
    finally:
        for who in world.running:
            world.kill(who)


def test_whatever_is_killed_nothing_is_lost_or_half_written(tmp_path: Path) -> None:
    reached = kill_at_random(tmp_path, times=8, seed=0)
    assert sum(reached["killed"].values()) == 8
    assert min(reached["versions"].values()) > 1


if __name__ == "__main__":
    import tempfile

    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as place:
        print(kill_at_random(Path(place), times=int(sys.argv[1]), seed=1))
