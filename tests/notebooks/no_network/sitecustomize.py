"""Refuses every address but this computer's own, in each Python that starts with this folder on PYTHONPATH.

What was refused is also written to the file that PMT_TEST_REFUSED names: many programs hide that they tried.
"""

import os
import sys
from pathlib import Path
from typing import Any

# What each of Python's own events has at its end or beginning: an address, or a host's name.
_ADDRESS_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_NAME_EVENTS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def _is_near(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a socket file
    host = address[0].decode() if isinstance(address[0], bytes) else str(address[0] or "")
    return host in ("", "localhost", "::1", "0.0.0.0") or host.startswith("127.")


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _ADDRESS_EVENTS:
        address = arguments[-1]
    elif event in _NAME_EVENTS:
        address = arguments[:1]
    else:
        return
    if not _is_near(address):
        if refused := os.environ.get("PMT_TEST_REFUSED"):
            with Path(refused).open("a", encoding="utf-8") as file:
                file.write(f"{sys.argv[:3]}: {event} {address!r}\n")
        raise OSError(f"the network is cut off in this test, and something wanted to reach {address!r}")


sys.addaudithook(_guard)
