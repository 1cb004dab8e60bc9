"""What a log may show of an address, and an error of a server's own words."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.registry.http.redaction import HIDDEN, redacted, scrubbed, secrets_in, unspoken

HEX = "0f" * 32
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
SHOWN = [
    "https://reg.example/v2/",
    "https://reg.example:5000/v2/library/node/blobs/sha256:" + HEX,
    "https://reg.example/v2/a-b_c.d/__e/manifests/v1.2.3-alpine3.19_rc1",
    "https://reg.example/v2/a/manifests/sha256-" + HEX + ".sig",
    "https://reg.example/v2/a/tags/list?n=1000&last=v1.2.3",
    "https://auth.example/token?service=registry.example&scope=repository:library/node:pull",
    "https://cdn.example/docker/registry/v2/blobs/sha256/0f/" + HEX + "/data",
    "https://reg.example/v2/a/blobs/uploads/?digest=sha256:" + HEX,
    "https://cdn.example/12345678-1234-5678-9abc-def012345678/x",
    "http://[::1]:5000/v2/",
]
CHANGED = [
    ("https://me:pw@a.example/b#c", "https://a.example/b"),
    ("https://a.example/b?token", "https://a.example/b?REDACTED"),
    ("https://a.example/b?token=", "https://a.example/b?REDACTED"),
    ("https://a.example/b?dG9rZW4=", "https://a.example/b?REDACTED"),
    ("https://a.example/b?sig=1&se=2", "https://a.example/b?sig=REDACTED&se=REDACTED"),
    ("https://a.example/b?n=1;sig=2;last=c", "https://a.example/b?n=1&sig=REDACTED&last=c"),
    ("https://a.example/b?n=secret", "https://a.example/b?n=REDACTED"),
    ("https://a.example/b?digest=sha256:secret", "https://a.example/b?digest=REDACTED"),
    ("https://a.example/b?N=1", "https://a.example/b?N=REDACTED"),
    ("https://a.example/b?last=" + JWT, "https://a.example/b?last=REDACTED"),
    ("https://a.example/b?digest=%0a", "https://a.example/b?digest=REDACTED"),
    ("https://a.example/b?scope=a%3Ab%2Fc%3Apull+d", "https://a.example/b?scope=a:b/c:pull+d"),
    ("https://a.example/b?" + JWT + "=1", "https://a.example/b?REDACTED"),
    ("https://a.example/b;sig=1/c", "https://a.example/b;REDACTED/c"),
    ("https://a.example/b;1", "https://a.example/b;REDACTED"),
    ("https://a.example/b%3Bsig%3D1", "https://a.example/b;REDACTED"),
    ("https://a.example/sig=1/c", "https://a.example/sig=REDACTED/c"),
    ("https://a.example/exp=1~acl=/*~hmac=0f", "https://a.example/exp=REDACTED/*~hmac=REDACTED"),
    ("https://a.example/c2VjcmV0==/c", "https://a.example/REDACTED/c"),
    ("https://a.example/" + JWT + "/c", "https://a.example/REDACTED/c"),
    ("https://a.example/ghp_abcdefghij0123456789/c", "https://a.example/REDACTED/c"),
    ("https://a.example/Zm9vYmFyMTIzNDU2Nzg5/c", "https://a.example/REDACTED/c"),
    ("https://a.example/mfzwizltoq2gc3tpo5xgk3tfon2a/c", "https://a.example/REDACTED/c"),
    ("https://a.example/\\b", "(unreadable address)"),
    ("https://[", "(unreadable address)"),
    ("", "(unreadable address)"),
]


@pytest.mark.parametrize("address", SHOWN)
def test_what_is_harmless_is_shown_to_the_letter(address: str) -> None:
    assert redacted(address) == address


@pytest.mark.parametrize(("address", "shown"), CHANGED, ids=range(len(CHANGED)))
def test_what_may_be_a_secret_is_not_shown(address: str, shown: str) -> None:
    assert redacted(address) == shown


@given(st.text("abcdefgh0123", min_size=6, max_size=12), st.sampled_from("=;&?/#"), st.sampled_from(["", "n=1&", "x&"]))
def test_no_value_is_shown_that_is_not_on_the_list(secret: str, mark: str, before: str) -> None:
    secret = "S" + secret + "Z"
    for query in ("{}sig={}", "{}{}", "{}{}=", "{}x;y={}", "{}last%3d={}", "{}N={}", "{}n%00={}"):
        assert secret not in redacted("https://a.example/b?" + query.format(before, secret))
    for path in ("b;{}", "b;sig={}", "sig={}", "{}=", ";{}", "a;b;{}/c"):
        assert secret not in redacted("https://a.example/" + path.format(secret))
    assert secret not in redacted("https://a.example/#" + secret)
    assert secret not in redacted("https://{}:{}@a.example/".format(secret, secret))


WORDS = [
    ("unauthorized: authentication required", None),
    ("manifest sha256:{} unknown to registry".format(HEX), None),
    ("Basic authentication is disabled, use a bearer token instead", None),
    ("see https://docs.example/go/rate-limits.", None),
    ("OCI index found, but Accept header does not support OCI indexes", None),
    ("token " + JWT + " expired", "token REDACTED expired"),
    ("bad Authorization: Bearer abc123def", "bad Authorization: Bearer REDACTED"),
    ("Basic bWU6cHc= is wrong", "Basic REDACTED is wrong"),
    ("see https://s3.example/k?X-Amz-Signature=0f&x", "see https://s3.example/k?X-Amz-Signature=REDACTED&REDACTED"),
    ("at https://me:pw@a.example/b", "at https://a.example/b"),
    ("password=hunter2&x", "password=REDACTED&x"),
    ('"token"="hunter2"', '"token"="REDACTED"'),
    ('{"Token": "hunter2", "a": "b"}', '{"Token": "REDACTED", "a": "b"}'),
    ("invalid token: not one of ours", None),
]


@pytest.mark.parametrize(("words", "shown"), WORDS, ids=range(len(WORDS)))
def test_words_of_a_server(words: str, shown: object) -> None:
    assert scrubbed(words) == (words if shown is None else shown)


def test_what_it_was_shown_is_never_quoted() -> None:
    basic = base64.b64encode(b"me:hunter2/x").decode()
    form = {"refresh_token": "refresh-1", "service": "reg.example", "grant_type": "refresh_token", "scope": "pull"}
    secrets = set(secrets_in({"Authorization": "Basic " + basic, "X-Meta-Key": "meta-key"}, form))
    said = "me:hunter2/x, hunter2/x, hunter2%2Fx, {}, refresh-1 of reg.example by refresh_token, meta-key".format(basic)
    assert scrubbed(said, secrets) == "{0}, {0}, {0}, {0}, {0} of reg.example by refresh_token, {0}".format(HIDDEN)
    assert set(secrets_in({"Authorization": "Basic ???", "X": "abc"}, {})) == {"Basic ???", "Basic%20%3F%3F%3F"}


def test_long_words_take_no_time() -> None:
    """Linear: as much as an error's body may hold, of what each pattern looks at longest."""
    for piece in ("eyJ", "Bearer ", "token=", "https://", "a1B", "\\", "=;", "%", "://", "basic\t", "x" * 15 + " "):
        assert isinstance(scrubbed(piece * (65536 // len(piece)), {"secret"}), str)
        redacted("https://a.example/" + piece * (16000 // len(piece)))
    assert json.dumps(scrubbed("\x00" * 10))


def test_a_short_or_plain_secret_might_be_a_word_of_ours() -> None:
    said = "a user name and password for hunter-2 at admin1.hunter-2.test"
    assert unspoken(said, {"password", "admin", "hunter-2", "user"}) == (
        "a user name and password for REDACTED at admin1.REDACTED.test"
    )
