"""One reader of addresses: what it takes, what it refuses, and that what it took reads the same again."""

from __future__ import annotations

from typing import List, Tuple
from urllib.parse import urljoin, urlsplit

import pytest

from layerslayer.errors import InvalidAddress, UsageError
from layerslayer.registry.http.origin import (
    Address,
    Origin,
    address_from,
    base_url,
    netloc_given,
    origin_of,
    read_address,
)

DIGEST = "sha256:" + "0f" * 32
TAKEN: List[Tuple[str, str, int, str]] = [
    ("https://reg.example", "reg.example", 443, "/"),
    ("https://reg.example/v2/a/blobs/" + DIGEST, "reg.example", 443, "/v2/a/blobs/" + DIGEST),
    ("HTTPS://Reg.Example:443/", "reg.example", 443, "/"),
    ("https://reg.example:8443/a?b=c&d", "reg.example", 8443, "/a?b=c&d"),
    ("https://reg.example:/a", "reg.example", 443, "/a"),
    ("https://reg.example:00443/a", "reg.example", 443, "/a"),
    ("https://my_storage/a", "my_storage", 443, "/a"),
    ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example", 443, "/"),
    ("https://10.0.0.1:5000/a", "10.0.0.1", 5000, "/a"),
    ("https://[2606:4700::1111]:5000/a", "2606:4700::1111", 5000, "/a"),
    ("https://[::FFFF:1.2.3.4]/", "::ffff:1.2.3.4", 443, "/"),
    ("https://a.example?b@c", "a.example", 443, "/?b@c"),
    ("https://a.example#@b.example", "a.example", 443, "/"),
    ("https://a.example/b?c#d", "a.example", 443, "/b?c"),
    ("https://a.example/b?", "a.example", 443, "/b"),
    ("https://a.example//b//c", "a.example", 443, "//b//c"),
    ("https://a.example/b/../c/./d/..", "a.example", 443, "/c/"),
    ("https://a.example/../../b", "a.example", 443, "/b"),
    ("https://a.example/%2e%2e/%00%5C%2f", "a.example", 443, "/%2e%2e/%00%5C%2f"),
    ("https://a.example/ä?ö=\u202e", "a.example", 443, "/%C3%A4?%C3%B6=%E2%80%AE"),
    ("https://s3.example/k?X-Amz-Credential=A%2F2&x=0f~.", "s3.example", 443, "/k?X-Amz-Credential=A%2F2&x=0f~."),
    ("https://me:p%40w@a.example/b", "a.example", 443, "/b"),
]  # fmt: skip
REFUSED = [
    "", "/", "a.example", "//a.example/", "https:a.example", "https:/a.example", "https:///a.example", "https://",
    "https://:443/", "https://?a", "ftp://a.example/", "file:///etc/passwd", "javascript:alert(1)", "httpss://a/",
    " https://a.example/", "https://a.example/ ", "https://a.example/\t", "ht\ntps://a.example/", "https://a.ex\tample/",
    "https://a.example\\@b.example/", "https://a.example\\.b.example/", "https:\\\\a.example/", "https://a.example/\\",
    "https://a.example/\x00", "https://a.example/\x7f", "https://a.example/\x85", "https://a.example/\ud800",
    "https://a b.example/", "https://a%00.example/", "https://a%2fb.example/", "https://a%2eexample/",
    "https://a%5c@b.example%00/", "https://a@b@c.example/", "https://a\u3000@b.example/", "https://[@b.example/",
    "https://ａ.example/", "https://a。example/", "https://ⓔvil.example/", "https://a.example／b/", "https://ß.example/",
    "https://doc\u212aer.example/", "https://te\u017ft.example/", "https://\u0131.example/", "http://localho\u017ft/",
    "https://a.example./", "https://a..example/", "https://.a.example/", "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 127 + "example/", "https://*.example/", "https://a,b.example/", "https://a;b/", "https://a'b/",
    "https://127.1/", "https://0x7f.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
    "https://127.0.0.01/", "https://127.0.0.1./", "https://256.1.1.1/", "https://1.2.3/", "https://1.2.3.4.5/",
    "https://0X7F.0.0.1/", "https://٣.1.1.1/", "https://[::1/", "https://::1/", "https://[::1]a/", "https://a[::1]/",
    "https://[::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[v1.a]/", "https://[1.2.3.4]/", "https://[]/",
    "https://[::ffff:1.2.3.04]/", "https://[:::1]/", "https://[1:2:3:4:5:6:7:8:9]/", "https://[[::1]]/",
    "https://a:0/", "https://a:65536/", "https://a:-1/", "https://a:+80/", "https://a:8_0/", "https://a:８０/",
    "https://a:80:80/", "https://a:80a/", "https://a: 80/", "https://a:000080/", "https://a:99999999999/",
    "https://a.example/" + "a" * (16 * 1024),
]  # fmt: skip


@pytest.mark.parametrize(("text", "host", "port", "target"), TAKEN, ids=[item[0] for item in TAKEN])
def test_what_everyone_reads_alike_is_taken(text: str, host: str, port: int, target: str) -> None:
    address = read_address(text)
    assert address[:2] == (Origin("https", host, port), target)
    assert address.named_user == ("@" in text.partition("//")[2].partition("/")[0].partition("?")[0].partition("#")[0])
    assert read_address(address.url) == address._replace(named_user=False)
    assert "@" not in urlsplit(address.url).netloc


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_all_else_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        read_address(text)
    assert str(caught.value).startswith("the registry points to an address that cannot be used: ")
    assert "example" not in str(caught.value)
    with pytest.raises(InvalidAddress):
        origin_of(text)


HERE = "https://me@reg.example:8443/v2/a/tags/list?n=5"


@pytest.mark.parametrize(
    "reference",
    ["/x/y?z", "x", "./x", "../x", "../../../../x", "?q=1", "", "#f", "x?y#z", "/x/../y", "//cdn.example/x",
     "//cdn.example", "https://cdn.example/x", "HTTP://cdn.example/x", "/x:y", "./x:y", "/@b", "?a@b", "x/.",
     ".", ".."],
)  # fmt: skip
def test_what_is_left_out_comes_from_where_it_was_found(reference: str) -> None:
    address = address_from(HERE, reference)
    expected = urlsplit(urljoin(HERE.replace("me@", ""), reference))
    target = (expected.path or "/") + ("?" + expected.query if expected.query else "")
    assert address.target == target.replace("/x/../y", "/y")
    assert address.origin == Origin(
        expected.scheme, expected.hostname or "", expected.port or (443 if expected.scheme == "https" else 80)
    )
    assert not address.named_user


@pytest.mark.parametrize(
    "reference",
    ["//", "///evil.example", "/\\evil.example", "\\\\evil.example", "//a@b@c", "x y", "x:y", "https:x", "1:x", ":",
     "//evil.example\\@reg.example/x", "\t//evil.example/"],
)  # fmt: skip
def test_references_that_are_refused(reference: str) -> None:
    with pytest.raises(InvalidAddress):
        address_from(HERE, reference)


def test_the_other_scheme_keeps_a_port_that_is_not_the_usual_one() -> None:
    assert read_address("https://a.example/b").by("http").url == "http://a.example/b"
    assert read_address("http://a.example:5000/b").by("https").url == "https://a.example:5000/b"
    assert read_address("http://a.example:443/b").url == "http://a.example:443/b"
    assert Address(Origin("https", "::1", 443), "/").url == "https://[::1]/"


@pytest.mark.parametrize(
    ("given", "netloc"),
    [("Reg.Example", "reg.example"), ("reg.example:443", "reg.example"), ("reg.example:5000", "reg.example:5000"),
     ("[::1]:443", "[::1]"), ("10.0.0.1:80", "10.0.0.1:80"), ("localhost", "localhost")],
)  # fmt: skip
def test_hosts_that_a_user_gives(given: str, netloc: str) -> None:
    assert netloc_given(given) == netloc


@pytest.mark.parametrize(
    "given",
    ["", "https://reg.example", "reg.example/", "a b", "a\\b", "me@a", "a:0", "a:99999", "127.1", "::1", "a.", "ä"],
)
def test_hosts_that_nobody_can_mean(given: str) -> None:
    with pytest.raises(UsageError, match="is not a host with an optional port"):
        netloc_given(given)
    with pytest.raises(UsageError):
        base_url(given)


def test_the_scheme_of_a_host() -> None:
    assert base_url("Reg.Example:5000") == "https://reg.example:5000"
    assert base_url("reg.example:443") == "https://reg.example"
    assert base_url("reg.example:443", plain_http=True) == "http://reg.example:443"
    assert base_url("localhost:5000") == "http://localhost:5000"
    assert base_url("[::1]:5000") == "http://[::1]:5000"
