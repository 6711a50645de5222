"""Bad servers, each a real one on this machine, and what a device does with what they hand out. Notebook 07."""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.system.bundle import CHUNK, WHY, Refused, Release, describe, make_release, new_signing_key
from pmt_helpers.system.visits import fetch
from pmt_helpers.system.wire import open_source

if TYPE_CHECKING:
    import pandas as pd

HELD = 2  # the version that the device has


def try_servers(model: Any, data: ActivityData) -> "pd.DataFrame":
    """What a device that holds version 2 does with the cloud's web server and with bad ones.

    Returns a row per server: server; whose key its signature fits (signed_by: "cloud", "another" or None) and what its
    manifest states (model, version, expires, bytes); result; and honest_after, whether the device then still takes the
    cloud's release.
    """
    import pandas as pd

    (cloud, public), (another, _) = new_signing_key(), new_signing_key()
    about, today = describe(data), date.today()

    def sign(version: int = HELD + 1, key: bytes = cloud, days: int = 30, name: str = data.card.name) -> Release:
        weights = model if key == cloud else poisoned
        expires = today + timedelta(days=days)
        return make_release(weights, about, name=name, version=version, expires=expires, signing_key=key)

    poisoned = Checkpoint.from_model(model)
    poisoned = replace(poisoned, weights=replace(poisoned.weights, output=-poisoned.weights.output))
    good, false = sign(), sign(key=another)
    exchanged = good.payload[CHUNK : 2 * CHUNK] + good.payload[:CHUNK] + good.payload[2 * CHUNK :]
    flipped = bytes([good.signature[0] ^ 1]) + good.signature[1:]
    servers = {
        "the cloud": (good, "cloud"),
        "a poisoned model, signed with another key": (false, "another"),
        "a poisoned model behind the cloud's manifest": (good._replace(payload=false.payload), "cloud"),
        "two pieces exchanged": (good._replace(payload=exchanged), "cloud"),
        "one bit of the signature changed": (good._replace(signature=flipped), None),
        "an old version, truly signed": (sign(HELD - 1), "cloud"),
        "a release whose last day has passed": (sign(days=-1), "cloud"),
        "another model of the cloud": (sign(name="another"), "cloud"),
    }
    rows = []
    for server, (offered, signed_by) in servers.items():
        stated = json.loads(offered.manifest)
        with tempfile.TemporaryDirectory() as folder:
            device = Path(folder, "device")
            results = [_download(release, device, data.card.name, public) for release in (sign(HELD), offered, good)]
        about_it = {key: stated[key] for key in ("model", "version", "expires", "bytes")}
        honest_after = results[2] in ("taken", "held already")
        rows.append(
            {"server": server, "signed_by": signed_by, **about_it, "result": results[1], "honest_after": honest_after}
        )
    return pd.DataFrame(rows)


def _download(release: Release, device: Path, name: str, public_key: bytes) -> str:
    """What a device does with a release on a web server that puts it where the device looks."""
    with tempfile.TemporaryDirectory() as folder:
        release.write(Path(folder))
        place = Path(folder, json.loads(release.manifest)["model"])
        place.rename(place.with_name(name))
        with _web_server(folder) as address:
            source = open_source(address)
            try:
                return "held already" if fetch(device, source, name, public_key) is None else "taken"
            except Refused as error:
                return f"refused: {WHY[error.why]}"
            finally:
                source.close()


@contextmanager
def _web_server(folder: str) -> Iterator[str]:
    """Python's own web server over a folder, at an address of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=folder)

        def log_message(self, *arguments: Any) -> None:
            """Nothing on the learner's screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
