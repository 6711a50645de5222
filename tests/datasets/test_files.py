"""Data is looked for where the person said, fetched whole or not at all, and written whole or not at all."""

import errno
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pmt_helpers.datasets import DataError, dataset_names, load_activity
from pmt_helpers.datasets.files import atomic_path, data_home, download, installed_file, shipped
from pmt_helpers.datasets.wisdm import ARCHIVE, ARFF, fetch_wisdm, find_wisdm


def test_a_finished_file_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "answers.json"
    with atomic_path(target) as temporary:
        temporary.write_text("1")
        assert temporary.suffix == ".json"
        assert not target.exists()
    assert target.read_text() == "1"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt])
def test_a_failed_write_keeps_the_old_file(tmp_path: Path, trouble: type[BaseException]) -> None:
    target = tmp_path / "answers.json"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half of the ne")
            raise trouble

    with pytest.raises(trouble):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_data_home_is_where_the_person_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
    assert data_home() == tmp_path
    monkeypatch.setenv("PMT_DATA_HOME", "~/data")
    assert data_home() == Path.home() / "data"
    monkeypatch.setenv("PMT_DATA_HOME", " ")
    assert data_home().name == "pmt-workbook"
    monkeypatch.delenv("PMT_DATA_HOME")
    assert data_home().is_absolute()


@pytest.mark.parametrize("name", dataset_names())
def test_the_cards_ship(name: str) -> None:
    assert shipped("cards", f"{name}.toml").is_file()


def test_an_installed_file_is_found_without_running_it() -> None:
    found = installed_file("seglearn", "data", "watch_dataset.npy")
    assert found is not None
    assert found.is_file()
    assert installed_file("seglearn", "data", "nothing.npy") is None
    assert installed_file("no_such_package", "file") is None


MakeArff = Callable[..., str]
MakeArchive = Callable[..., bytes]


class Server(ThreadingHTTPServer):
    """Answers /whole with self.body, and misbehaves on the other addresses."""

    body = b""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        body = (
            b"<html><body>Please sign in to the wireless network</body></html>"
            if self.path == "/page"
            else self.server.body
        )
        self.send_response(200)
        if self.path != "/unsized":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path in ("/half", "/unsized") else body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, make_arff: MakeArff, make_archive: MakeArchive) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Server(("127.0.0.1", 0), Handler) as running:
        running.body = make_archive(make_arff())
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_good_download_is_kept_and_loads(
    small_wisdm: Path, server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    small_wisdm.rmdir()  # it is made when needed
    assert fetch_wisdm(server.url("whole")) == small_wisdm / ARCHIVE
    assert [path.name for path in small_wisdm.iterdir()] == [ARCHIVE]
    assert len(load_activity("wisdm")) == 24
    assert "100%" in capfd.readouterr().err  # the progress bar


def test_what_is_there_is_not_fetched_again(small_wisdm: Path, make_arff: MakeArff) -> None:
    (small_wisdm / ARFF).write_text(make_arff())
    assert fetch_wisdm("http://127.0.0.1:1/never-asked") == small_wisdm / ARFF


@pytest.mark.parametrize(
    ("path", "expected", "found"),
    [
        ("half", "the whole file", "a download that broke off"),
        ("unsized", "a whole tar.gz archive", "a damaged or truncated one"),
        ("page", "a tar.gz archive", "a web page saved under this name, beginning '<html><body>Please sign in"),
        ("missing", "the file", "404"),
    ],
)
def test_a_bad_download_is_named_and_leaves_nothing(
    small_wisdm: Path, server: Server, path: str, expected: str, found: str
) -> None:
    with pytest.raises(DataError) as caught:
        fetch_wisdm(server.url(path))
    assert caught.value.file == server.url(path)
    assert expected in caught.value.expected
    assert found in caught.value.found
    assert str(small_wisdm / ARCHIVE) in caught.value.remedy
    assert list(small_wisdm.iterdir()) == []
    with pytest.raises(DataError, match="none of its files"):
        load_activity("wisdm")


def test_a_download_with_other_rows_is_not_kept(
    small_wisdm: Path, server: Server, make_arff: MakeArff, make_archive: MakeArchive
) -> None:
    server.body = make_archive(make_arff().replace("512.5", "512.4"))
    with pytest.raises(DataError, match="other rows, digest") as caught:
        fetch_wisdm(server.url("whole"))
    assert "was not kept" in caught.value.remedy
    assert list(small_wisdm.iterdir()) == []


def test_without_network_the_way_by_hand_is_named(small_wisdm: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{ARCHIVE}"
        with pytest.raises(DataError, match="Is this machine online") as caught:
            fetch_wisdm(url)
    assert f"download {url} in a browser" in caught.value.remedy
    assert list(small_wisdm.iterdir()) == []


def test_certificates_that_are_not_there_are_not_called_a_full_disk(
    small_wisdm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(small_wisdm / "no-such.pem"))
    with pytest.raises(DataError, match=r"no-such\.pem") as caught:  # noticed before anything is asked
        fetch_wisdm("https://127.0.0.1:1/")
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy
    assert "space" not in str(caught.value)


def test_an_interrupted_download_leaves_nothing(small_wisdm: Path, server: Server) -> None:
    def interrupt(path: Path) -> None:
        assert path.is_file()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server.url("whole"), small_wisdm / ARCHIVE, verify=interrupt)
    assert list(small_wisdm.iterdir()) == []


def test_a_killed_download_is_never_taken_for_data(small_wisdm: Path) -> None:
    leftover = small_wisdm / ".fetching-killed"
    leftover.mkdir()
    (leftover / ARCHIVE).write_bytes(b"half of it")
    assert find_wisdm() is None


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root may write anywhere, and CI is root: step down to a user who may not, for one test."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_read_only_cache_folder_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, server: Server, nobody: None
) -> None:
    # not tmp_path: pytest lets only its own user in
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("PMT_DATA_HOME", folder)
        Path(folder).chmod(0o555)
        with pytest.raises(DataError, match="set PMT_DATA_HOME to another folder"):
            fetch_wisdm(server.url("whole"))
        assert list(Path(folder).iterdir()) == []
        Path(folder).chmod(0o755)


def test_a_read_only_file_system_says_what_to_do(small_wisdm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> str:
        raise OSError(errno.EROFS, "Read-only file system", str(small_wisdm))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(DataError, match="Read-only file system") as caught:
        fetch_wisdm("http://127.0.0.1:1/never-reached")
    assert caught.value.file == str(small_wisdm)
    assert "set PMT_DATA_HOME to another folder" in caught.value.remedy


def test_a_file_where_the_folder_should_be_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="a folder to write to"):
        fetch_wisdm("http://127.0.0.1:1/never-reached")


@pytest.mark.parametrize("name", ["watch", "wisdm"])
def test_loading_never_opens_a_connection(
    name: str, small_wisdm: Path, make_arff: MakeArff, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("load_activity tried to reach the network")

    (small_wisdm / ARFF).write_text(make_arff())
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert len(load_activity(name)) > 0
