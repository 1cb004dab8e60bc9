from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.errors import InvalidReference, UsageError
from layerslayer.oci.reference import Reference, canonical_host, parse_reference, registry_named

HEX = "0123456789abcdef" * 4
DIGEST = "sha256:" + HEX

VALID = [
    ("redis", "docker.io", "library/redis", "latest", None),
    ("redis:6", "docker.io", "library/redis", "6", None),
    ("docker.io/debian", "docker.io", "library/debian", "latest", None),
    ("index.docker.io/debian", "docker.io", "library/debian", "latest", None),
    ("registry-1.docker.io/debian", "docker.io", "library/debian", "latest", None),
    ("index.docker.io/a/b:1", "docker.io", "a/b", "1", None),
    ("docker/docker", "docker.io", "docker/docker", "latest", None),
    ("library/foo/bar", "docker.io", "library/foo/bar", "latest", None),
    ("localhost/fooo", "localhost", "fooo", "latest", None),
    ("localhost", "docker.io", "library/localhost", "latest", None),
    ("localhost:5000/a", "localhost:5000", "a", "latest", None),
    ("LOCALDOMAIN/fooo", "LOCALDOMAIN", "fooo", "latest", None),
    ("Foo/bar", "Foo", "bar", "latest", None),
    ("127.0.0.1:8000/privatebase", "127.0.0.1:8000", "privatebase", "latest", None),
    ("192.168.0.1", "docker.io", "library/192.168.0.1", "latest", None),
    ("192.168.0.1:80", "docker.io", "library/192.168.0.1", "80", None),
    ("test.com:5000", "docker.io", "library/test.com", "5000", None),
    ("test:5000/repo", "test:5000", "repo", "latest", None),
    ("192.168.0.1:8/debian", "192.168.0.1:8", "debian", "latest", None),
    ("example.com:8000/private/moonbase", "example.com:8000", "private/moonbase", "latest", None),
    ("[fc00::1]:5000/docker", "[fc00::1]:5000", "docker", "latest", None),
    ("[2001:db8::1]/repo", "[2001:db8::1]", "repo", "latest", None),
    ("test:5000/repo:tag@" + DIGEST, "test:5000", "repo", "tag", DIGEST),
    ("test:5000/repo@" + DIGEST, "test:5000", "repo", None, DIGEST),
    (
        "b.gcr.io/test.example.com/my-app:test.example.com",
        "b.gcr.io",
        "test.example.com/my-app",
        "test.example.com",
        None,
    ),
    ("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", None),
    ("docker.io/" + HEX, "docker.io", "library/" + HEX, "latest", None),
    ("foo/foo_bar.com:8080", "docker.io", "foo/foo_bar.com", "8080", None),
    ("lowercase:Uppercase", "docker.io", "library/lowercase", "Uppercase", None),
    ("dock__er/docker", "docker.io", "dock__er/docker", "latest", None),
    ("docker---rules/docker", "docker.io", "docker---rules/docker", "latest", None),
    ("192.168.1.1:5000/repo:5050", "192.168.1.1:5000", "repo", "5050", None),
    ("repo@sha512:" + HEX * 2, "docker.io", "library/repo", None, "sha512:" + HEX * 2),
    ("a:" + "t" * 128, "docker.io", "library/a", "t" * 128, None),
    ("h.io/" + "a" * 255, "h.io", "a" * 255, "latest", None),
]

INVALID = [
    ("", "empty"),
    ("https://github.com/docker/docker", "URL"),
    ("docker/Docker", "lower case"),
    ("Uppercase:tag", "lower case"),
    ("-docker", "repository name '-docker'"),
    ("-docker.io/a/b", "'-docker.io' is not a host name"),
    ("docker///docker", "repository name 'docker///docker'"),
    ("docker/", "repository name 'docker/'"),
    ("docker-/docker", "repository name 'docker-/docker'"),
    ("____/____", "repository name '____/____'"),
    ("dock..er/x", "'dock..er' is not a host name"),
    ("dock_.er/x", "'dock_.er' is not a host name"),
    ("dock-.er/x", "'dock-.er' is not a host name"),
    ("[fc00::1]", "host alone"),
    ("[fc00::1]:5000", "host alone"),
    ("fc00::1:5000/debian", "'fc00::1:5000' is not a host name"),
    ("[fe80::1%eth0]:5000/x", "'[fe80::1%eth0]:5000' is not a host name"),
    ("[2001:db8:3:4::192.0.2.33]:5000/x", "is not a host name"),
    (HEX, "64 hex digits"),
    (":justtag", "name is missing"),
    ("@" + DIGEST, "name is missing"),
    ("repo@sha256:" + HEX[:34], "64 lower-case hex digits"),
    ("repo@sha256:" + HEX.upper(), "64 lower-case hex digits"),
    ("repo@sha512:" + HEX, "128 lower-case hex digits"),
    ("name@invaliddigest:" + HEX, "'invaliddigest' is not supported"),
    ("name@blake3:" + HEX, "'blake3' is not supported"),
    ("name@", "algorithm:hex"),
    ("name@" + DIGEST + "@" + DIGEST, "algorithm:hex"),
    ("h.io/" + "a" * 256, "longer than 255"),
    ("aa/asdf$$^/aa", "repository name 'aa/asdf$$^/aa'"),
    ("a:" + "t" * 129, "the tag"),
    ("a:", "the tag ''"),
    ("a:-x", "the tag '-x'"),
    ("a:tag\n", "the tag"),
    ("redis\n", "repository name"),
    ("h.io:0/a", "port"),
    ("h.io:65536/a", "port"),
    ("h.io:/a", "'h.io:' is not a host name"),
    ("bücher.example/a", "is not a host name"),
    ("a" * 4097, "4096"),
]


@pytest.mark.parametrize(("text", "domain", "path", "tag", "digest"), VALID, ids=[case[0][:60] for case in VALID])
def test_valid(text, domain, path, tag, digest):
    parsed = parse_reference(text)
    assert parsed == Reference(domain, path, tag, digest)
    assert parse_reference(str(parsed)) == parsed


@pytest.mark.parametrize(("text", "part"), INVALID, ids=[ascii(case[0][:60]) for case in INVALID])
def test_invalid_in_one_sentence_that_names_what_is_wrong(text, part):
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert isinstance(caught.value, UsageError)
    assert part in caught.value.reason
    sentence = str(caught.value)
    assert sentence.endswith(".") and not sentence.endswith("..")
    assert caught.value.reason in sentence
    assert caught.value.text == text
    assert len(sentence) < 600


def test_upper_case_names_get_the_lower_case_one_suggested():
    with pytest.raises(InvalidReference) as caught:
        parse_reference("ghcr.io/User/App")
    assert "user/app" in caught.value.hint


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io", "Index.Docker.IO"])
def test_hub_aliases(host):
    assert canonical_host(host) == "docker.io"
    parsed = parse_reference(host + "/alpine")
    assert (parsed.domain, parsed.path) == ("docker.io", "library/alpine")
    assert parsed.api_host == "registry-1.docker.io"


def test_other_hosts_are_their_own_api_host():
    assert parse_reference("ghcr.io/a/b").api_host == "ghcr.io"
    assert canonical_host("GHCR.io:443") == "ghcr.io:443"


def test_the_digest_decides():
    assert parse_reference("a:1").wanted == "1"
    assert parse_reference("a").wanted == "latest"
    assert parse_reference("a:1@" + DIGEST).wanted == DIGEST
    assert str(parse_reference("a:1@" + DIGEST)) == "docker.io/library/a:1@" + DIGEST
    assert parse_reference("a:1").repository == "docker.io/library/a"


pieces = st.sampled_from(
    [
        "docker.io",
        "index.docker.io",
        "localhost",
        "Foo",
        "a",
        "b-c",
        "_",
        "__",
        ".",
        "..",
        "/",
        "//",
        ":",
        "@",
        ":80",
        "[::1]",
        "library",
        "latest",
        DIGEST,
        "sha256:",
        HEX,
        "-",
        "\n",
        "é",
        "�",
        " ",
        "99999",
        "é/",
    ]
)
texts = st.one_of(st.text(max_size=60), st.lists(pieces, max_size=8).map("".join))


@settings(max_examples=500, deadline=None)
@given(texts)
def test_any_text_parses_or_is_refused_in_one_way(text):
    try:
        parsed = parse_reference(text)
    except InvalidReference:
        return
    assert parse_reference(str(parsed)) == parsed
    assert parsed.tag or parsed.digest


@settings(max_examples=300, deadline=None)
@given(texts)
def test_any_text_names_a_registry_or_none(text):
    named = registry_named(text)
    assert named is None or (named and "/" not in named and "@" not in named)


@settings(max_examples=200, deadline=None)
@given(
    st.from_regex(r"([a-z][a-z0-9]{0,5}\.){0,2}[a-z]{2,5}(:[1-9][0-9]{0,3})?", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3}|/)[a-z0-9]{1,6}){0,4}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    st.booleans(),
)
def test_what_the_grammar_allows_is_kept_part_by_part(domain, path, tag, by_digest):
    if "." not in domain and ":" not in domain:
        domain += ".example"
    text = "{}/{}:{}".format(domain, path, tag) + ("@" + DIGEST if by_digest else "")
    assert parse_reference(text) == Reference(domain, path, tag, DIGEST if by_digest else None)
    assert registry_named(text) == registry_named(domain + "/" + path.upper()) == domain
    assert str(parse_reference(text)) == text
