"""A registry that refuses: one sentence that says what it was, and what to do next."""

from __future__ import annotations

import pytest

from layerslayer.demo.registry import Response, error
from layerslayer.errors import NotFound, RegistryError, Unauthorized
from layerslayer.oci.descriptor import Descriptor

from ..support.registry import Opened, Registry
from ..support.registry.faults import HTML

ERRORS = {
    "404": (error(404, "MANIFEST_UNKNOWN", "manifest unknown"), NotFound, "has no image '1.0'", "manifest unknown"),
    "403": (error(403, "DENIED", "go away"), Unauthorized, "was refused", "go away"),
    "429": (error(429, "TOOMANYREQUESTS", "slow down"), RegistryError, "limits how many requests", "slow down"),
    "500": (error(500, "UNKNOWN", "oops"), RegistryError, "answered 500", "oops"),
    "503 HTML": (Response(503, {"Content-Type": "text/html"}, HTML), RegistryError, "answered 503", "503"),
    "404 HTML": (Response(404, {}, HTML), NotFound, "(404)", "404"),
    "204": (Response(204, {}), RegistryError, "answered 204", "204"),
    "odd JSON": (Response(500, {}, b'{"errors": ["x"]}'), RegistryError, "answered 500", "500"),
    "deep JSON": (Response(500, {}, b"[" * 60000), RegistryError, "answered 500", "500"),
    "huge": (Response(500, {}, b'{"errors": "' + b"x" * 300000 + b'"}'), RegistryError, "answered 500", "500"),
    "cut 404": (Response(404, {"Content-Length": "999"}, b'{"err'), NotFound, "has no image", "404"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_error_answers(case: str) -> None:
    response, kind, said, quoted = ERRORS[case]
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/manifests/", response)
        with pytest.raises(kind) as caught:
            source.manifest("1.0")
        assert said in str(caught.value) and quoted in str(caught.value)
        assert "<html>" not in str(caught.value)
        assert len(str(caught.value)) < 500


def test_a_missing_blob() -> None:
    with Registry() as registry, Opened(registry) as source:
        with pytest.raises(NotFound, match="does not have the blob"):
            source.blob(Descriptor("application/octet-stream", "sha256:" + "0" * 64, 1, {}))
        assert len(registry.requests) == 1


@pytest.mark.parametrize(
    "value, hint",
    [("17", "17 seconds"), ("Wed, 21 Oct 2026 07:28:00 GMT", "later"), ("-5", "later"), ("9" * 40, "later")],
    ids=["seconds", "date", "negative", "absurd"],
)
def test_retry_after(value: str, hint: str) -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/manifests/", error(429, "TOOMANYREQUESTS", "slow down", {"Retry-After": value}))
        with pytest.raises(RegistryError) as caught:
            source.manifest("1.0")
        assert caught.value.status == 429
        assert hint in caught.value.hint
