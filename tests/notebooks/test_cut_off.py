"""The network really is cut off where the notebooks are run: both ways of doing it refuse, and loopback still works."""

import subprocess
import sys
from pathlib import Path

import pytest

CUT_OFF = Path(__file__).resolve().parent / "cut_off.py"
TRY = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
print("loopback answers")
for where in (("192.0.2.1", 80), ("example.org", 443)):
    try:
        socket.create_connection(where, timeout=5)
        print("reached", where)
    except OSError:
        print("refused")
"""


@pytest.mark.parametrize("way", [[], ["--guard"]], ids=["as the notebooks run", "guard"])
def test_nothing_but_loopback_can_be_reached(way: list[str]) -> None:
    command = [sys.executable, str(CUT_OFF), *way, sys.executable, "-c", TRY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n")[:3] == ["loopback answers", "refused", "refused"], done.stdout + done.stderr


def test_the_guard_says_that_it_was_the_test_that_refused() -> None:
    attempt = "import socket; socket.create_connection(('192.0.2.1', 80))"
    command = [sys.executable, str(CUT_OFF), "--guard", sys.executable, "-c", attempt]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "the network is cut off in this test" in done.stderr
