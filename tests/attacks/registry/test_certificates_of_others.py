"""The client certificate of the command line names no host: the registry named first sees it, and nobody else."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from typing import Callable, List

import pytest
import trustme

from layerslayer.demo.registry import Request, Response

from ...support.registry import NAME, Normal
from ...support.registry.running import Runner
from ..watching import Watched, resolving
from ..ways import User

NAMES = ["mine.test", "other.test", "storage.test", "mirror.test"]
ASKED = {"diff": [1, 1, 0], "batch": [1, 1, 0], "mirror": [0, 1, 1], "conversation": [1, 0, 0]}  # besides the first


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def asking(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """TLS of a server that asks for a certificate, and does without."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.mark.parametrize("verb", ASKED)
def test_who_sees_the_certificate(
    run: Runner, user_of: Callable[[str], User], authority: trustme.CA, verb: str
) -> None:
    user = user_of("")
    authority.cert_pem.write_to_path(str(user.home / "ca.pem"))
    authority.issue_cert("me@example.org").private_key_and_cert_chain_pem.write_to_path(str(user.home / "me.pem"))
    user.monkeypatch.setattr("socket.getaddrinfo", resolving(dict.fromkeys(NAMES, "127.0.0.1")))
    with ExitStack() as stack:
        servers = [stack.enter_context(Watched(name=name, tls=asking(authority, name))) for name in NAMES]
        mine, other, storage, mirror = servers

        def away(request: Request, normal: Normal) -> Response:
            return Response(307, {"Location": storage.url + request.path})

        mine.fault("/blobs/", away)
        mirror.fault("/blobs/", Response(404, {}, b"{}"))
        user.monkeypatch.setattr("layerslayer.oci.reference._HUB_API", mine.host)
        images = ["{}/{}:1.0".format(server.host, NAME) for server in (mine, other)]
        (run.folder / "batch.txt").write_text("\n".join(images))
        absent = images[0].replace(":1.0", ":none")
        words = {
            "diff": ["diff", *images, "--full"],
            "batch": ["peek", "--batch", "batch.txt"],
            "mirror": ["peek", NAME + ":1.0", "--mirror", mirror.host],
            "conversation": [],
        }[verb]
        shown = ["--ca-file", "ca.pem", "--client-cert", "me.pem", "--retries", "0"]
        ran = run(*words, *shown, typed="\n".join([absent, images[1], "0", "0", "n", ""]))
        assert ran.code == 0, ran.err
        seen: List[List[bool]] = [server.certificates for server in (mine, storage, mirror, other)]
    assert seen[0] and all(seen[0])
    assert not any(any(item) for item in seen[1:])
    assert [bool(item) for item in (other.certificates, storage.certificates, mirror.certificates)] == ASKED[verb]
