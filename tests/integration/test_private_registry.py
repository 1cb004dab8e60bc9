"""A real registry that wants a login, by every way it can ask for one; and one with a private authority."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from .tools import Registry, layerslayer, need, run

pytestmark = pytest.mark.integration

PASSWORD = "open sesame"
# "open sesame" by bcrypt, which is what the registry takes
HTPASSWD = "ali:$2b$04$5H.Wxo7mKUsZ0Q.cSAATnetqJlXWe5jYL6bEc5ywPhRftaNzTny2W\n"
BASIC = "Basic " + base64.b64encode(("ali:" + PASSWORD).encode()).decode()
KIND = "application/vnd.oci.image.layer.v1.tar"


@pytest.fixture
def home(tmp_path: Path) -> Dict[str, str]:
    """The environment of a user without logins."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER", "XDG", "REG"))}
    return dict(environment, HOME=str(tmp_path), NO_PROXY="127.0.0.1,localhost", no_proxy="127.0.0.1,localhost")


def served(folder: Path, more: str) -> Registry:
    """Fill a registry without a login, and serve the same storage with one."""
    first = Registry(folder)
    first.put_image("private/app", "1", [_tar()], KIND)
    first.stop()
    return Registry(folder, more)


def _tar() -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        member = tarfile.TarInfo("secret/plan.txt")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"plan"))
    return body.getvalue()


def write_login(home: Dict[str, str], host: str) -> None:
    folder = Path(home["HOME"]) / ".docker"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": BASIC[6:]}}}))


@pytest.fixture
def htpasswd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("htpasswd")
    (folder / "htpasswd").write_text(HTPASSWD)
    server = served(folder, "auth: {{htpasswd: {{realm: here, path: {}}}}}\n".format(folder / "htpasswd"))
    yield server
    server.stop()


def peek(server: Registry, home: Dict[str, str], *more: str, **options: Any) -> Any:
    return layerslayer("-t", server.host + "/private/app:1", "--peek-all", "-v", *more, env=home, **options)


def assert_listed(done: Any) -> None:
    assert done.returncode == 0, done.stderr
    assert b"secret/plan.txt" in done.stdout
    assert PASSWORD.encode() not in done.stdout + done.stderr
    assert BASIC[6:].encode() not in done.stdout + done.stderr


def test_htpasswd_without_a_login(htpasswd: Registry, home: Dict[str, str]) -> None:
    done = peek(htpasswd, home)
    assert done.returncode == 2
    assert b"wants a user name and password" in done.stderr


def test_htpasswd_with_dockers_login(htpasswd: Registry, home: Dict[str, str]) -> None:
    write_login(home, htpasswd.host)
    assert_listed(peek(htpasswd, home))


def test_htpasswd_with_a_password_typed_in(htpasswd: Registry, home: Dict[str, str]) -> None:
    assert_listed(peek(htpasswd, home, "--username", "ali", "--password-stdin", input=PASSWORD.encode() + b"\n"))


def test_htpasswd_with_a_credential_helper(htpasswd: Registry, home: Dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "bin" / "docker-credential-cave"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nread -r server\nprintf \'{"ServerURL":"%s","Username":"ali","Secret":"open sesame"}\' "$server"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"credHelpers": {htpasswd.host: "cave"}}))
    home["PATH"] = str(program.parent) + os.pathsep + home["PATH"]
    assert_listed(peek(htpasswd, home))


def test_what_skopeo_login_leaves_is_found(htpasswd: Registry, home: Dict[str, str], tmp_path: Path) -> None:
    need("skopeo")
    home["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
    (tmp_path / "run").mkdir()
    run("skopeo", "login", "--tls-verify=false", "-u", "ali", "-p", PASSWORD, htpasswd.host, env=home)
    done = peek(htpasswd, home)
    assert_listed(done)
    assert b"containers/auth.json" in done.stdout + done.stderr


class TokenServer:
    """Signs tokens as distribution's token specification has them, for those who know the password."""

    def __init__(self, issued: trustme.LeafCert) -> None:
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        chain = [base64.b64encode(_der(pem.bytes())).decode() for pem in issued.cert_chain_pems]
        self.seen = []  # type: list[str]
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.seen.append(self.headers.get("Authorization", ""))
                scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
                access = []
                if self.headers.get("Authorization") == BASIC:
                    for scope in scopes:
                        kind, name, actions = scope.split(":")
                        access.append({"type": kind, "name": name, "actions": actions.split(",")})
                now = int(time.time())
                header = {"typ": "JWT", "alg": "RS256", "x5c": chain}
                claims = {
                    "iss": "cave", "sub": "ali", "aud": "registry", "exp": now + 300, "nbf": now - 10, "iat": now,
                    "jti": str(now), "access": access,
                }  # fmt: skip
                signed = _b64(json.dumps(header).encode()) + "." + _b64(json.dumps(claims).encode())
                signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr, call-arg, arg-type]
                body = json.dumps({"token": signed + "." + _b64(signature), "expires_in": 300}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:{}/token".format(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _der(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-")))


def test_tokens_of_an_auth_service(tmp_path_factory: pytest.TempPathFactory, home: Dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("token")
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    authority.cert_pem.write_to_path(str(folder / "roots.pem"))
    tokens = TokenServer(authority.issue_cert("cave.example", key_type=trustme.KeyType.RSA))
    more = "auth: {{token: {{realm: {}, service: registry, issuer: cave, rootcertbundle: {}}}}}\n"
    server = served(folder, more.format(tokens.url, folder / "roots.pem"))
    try:
        refused = peek(server, home)
        assert refused.returncode == 2
        assert b"was refused" in refused.stderr
        write_login(home, server.host)
        unasked = peek(server, home)
        assert unasked.returncode == 2 and b"if you trust it, add --trust-realm" in unasked.stderr
        assert set(tokens.seen) == {""}  # it is at another port
        assert_listed(peek(server, home, "--trust-realm", tokens.url.split("/")[2]))
        assert tokens.seen[0] == "" and tokens.seen[-1] == BASIC
    finally:
        server.stop()
        tokens.stop()


def test_a_private_authority(tmp_path_factory: pytest.TempPathFactory, home: Dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    tls = ", tls: {{certificate: {}, key: {}}}".format(folder / "cert.pem", folder / "key.pem")
    first = Registry(folder)
    first.put_image("private/app", "1", [_tar()], KIND)
    first.stop()
    server = Registry(folder, http=tls)
    try:
        refused = peek(server, home)
        assert refused.returncode == 2
        assert b"its certificate is of an authority that is not trusted here" in refused.stderr
        assert_listed(peek(server, home, "--ca-file", str(folder / "ca.pem")))
        assert_listed(peek(server, home, "--insecure", server.host))
        trusted = Path(home["HOME"]) / ".config" / "containers" / "certs.d" / server.host
        trusted.mkdir(parents=True)
        (trusted / "ca.crt").write_bytes((folder / "ca.pem").read_bytes())
        assert_listed(peek(server, home))
        home["REQUESTS_CA_BUNDLE"] = str(folder / "ca.pem")
        (trusted / "ca.crt").unlink()
        assert_listed(peek(server, home))
    finally:
        server.stop()
