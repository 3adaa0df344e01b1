"""Downloads: by HTTPS alone, whole or not at all, once, and with a message when they fail."""

import hashlib
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ganbench.datasets.downloads import download, fetch
from ganbench.errors import DataError


class Site:
    """Stands in for a server: writes the files of a dataset into the root it is given."""

    def __init__(self, root: Path, content: tuple[str, ...] = ("a", "b"), error: Exception | None = None) -> None:
        self.root, self.content, self.error = root, content, error
        self.calls = 0

    def get(self, place: Path) -> None:
        self.calls += 1
        for name in self.content:
            (place / name).write_text("whole")
            time.sleep(0.05)
            if self.error:
                raise self.error

    def missing(self) -> list[str]:
        return [name for name in ("a", "b") if not (self.root / "set" / "raw" / name).is_file()]

    def fetch(self, *, allowed: bool = True) -> None:
        folder = self.root / "set" / "raw"
        fetch(
            "set",
            folder=folder,
            root=self.root,
            missing=self.missing,
            get=self.get,
            allowed=allowed,
            by_hand="place them there",
        )


def test_files_arrive_and_are_not_fetched_again(tmp_path: Path) -> None:
    site = Site(tmp_path / "data")
    site.fetch()
    site.fetch()
    assert site.calls == 1
    assert sorted(path.name for path in (tmp_path / "data").iterdir() if path.is_dir()) == ["set"]


def test_what_is_there_needs_no_writable_root(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "raw"
    folder.mkdir(parents=True)
    for name in "ab":
        (folder / name).touch()
    Site(tmp_path).fetch()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_interrupted_download_leaves_nothing_in_place(tmp_path: Path) -> None:
    site = Site(tmp_path, error=OSError("connection\nreset"))
    with pytest.raises(DataError) as caught:
        site.fetch()
    message = str(caught.value)
    assert message.startswith(f"set: a, b not found in {tmp_path / 'set' / 'raw'}; a download was tried and failed")
    assert "OSError: connection reset" in message
    assert message.endswith("place them there")
    assert "\n" not in message
    assert site.missing() == ["a", "b"]
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_no_download_without_leave(tmp_path: Path) -> None:
    site = Site(tmp_path / "data")
    with pytest.raises(DataError, match="no download was tried"):
        site.fetch(allowed=False)
    assert site.calls == 0
    assert not (tmp_path / "data").exists()


def test_a_download_that_brings_too_little_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did not bring b"):
        Site(tmp_path, content=("a",)).fetch()


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="tried and failed"):
        Site(tmp_path / "data").fetch()


def test_two_at_a_time_download_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    threads = [threading.Thread(target=site.fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.calls == 1
    assert site.missing() == []


CONTENT = b"content" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """``/file`` is the content, ``/short`` breaks off, ``/to/ADDRESS`` redirects."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200 if self.path in ("/file", "/short") else 404)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/file" else CONTENT[:10])

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def listening(context: ssl.SSLContext | None) -> Iterator[str]:
    """Serve :class:`Handler` on this machine, by HTTPS where there is a context; yields the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with a certificate that is trusted during the test."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out",
         str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with listening(context) as address:
        yield address


def test_https_brings_the_file(https: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    download([f"{https}/file"], path, sha256=SHA256, limit=len(CONTENT))
    assert path.read_bytes() == CONTENT
    path.unlink()
    download([f"{https}/nothing", f"{https}/short", f"{https}/to/{https}/file"], path, sha256=SHA256, limit=1 << 20)
    assert path.read_bytes() == CONTENT


def test_what_is_not_the_file_is_not_kept(https: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for address, sha256, limit, words in [
        (f"{https}/nothing", SHA256, 1 << 20, "404"),
        (f"{https}/short", SHA256, 1 << 20, "IncompleteRead|its SHA-256 is"),
        (f"{https}/file", "0" * 64, 1 << 20, f"its SHA-256 is {SHA256}, expected 000"),
        (f"{https}/file", SHA256, len(CONTENT) - 1, "more than 6999 bytes"),
    ]:
        with pytest.raises(OSError, match=words) as caught:
            download([address], path, sha256=sha256, limit=limit)
        assert address in str(caught.value)
        assert not path.exists()


def test_nothing_but_https(https: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / "there").write_bytes(CONTENT)
    with listening(None) as plain:
        for address in (f"{plain}/file", f"{https}/to/{plain}/file", f"file://{tmp_path}/there", "ftp://127.0.0.1/x"):
            with pytest.raises(OSError, match="is not an https:// address"):
                download([address], path, sha256=SHA256, limit=1 << 20)
            assert not path.exists()


def test_an_unknown_certificate_is_refused(https: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        download([f"{https}/file"], tmp_path / "file", sha256=SHA256, limit=1 << 20)
