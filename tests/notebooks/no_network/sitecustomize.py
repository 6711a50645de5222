"""Refuses every address but this computer's own, in each Python that starts with this folder on PYTHONPATH."""

import socket
from typing import Any

_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo


def _is_near(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a socket file
    host = str(address[0])
    return host in ("", "localhost", "::1", "0.0.0.0") or host.startswith("127.")


def _check(address: Any) -> None:
    if not _is_near(address):
        raise OSError(f"the network is cut off in this test, and something wanted to reach {address!r}")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _check(address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _check(address)
    return _connect_ex(self, address)


def _guarded_getaddrinfo(host: Any, *args: Any, **keywords: Any) -> Any:
    _check((host.decode() if isinstance(host, bytes) else host or "",))
    return _getaddrinfo(host, *args, **keywords)


socket.socket.connect = _guarded_connect  # type: ignore[method-assign]
socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign]
socket.getaddrinfo = _guarded_getaddrinfo
