"""What accompanies an image is found wherever people put it, and read without trusting it."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict

import pytest

from layerslayer.analysis.referrers import gist, opened, subjects
from layerslayer.demo.image import Store, add_manifest
from layerslayer.oci.descriptor import digest_of

from ..support.registry import NAME, Registry, store
from ..support.registry.faults import single_image
from ..support.registry.running import Runner

STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "predicateType": "https://spdx.dev/Document",
    "predicate": {"packages": [{"name": "a"}, {"name": "evil\u001b[31m"}]},
}
SIGNATURE = {"critical": {"image": {"docker-manifest-digest": "sha256:1"}}}
ENVELOPE = {
    "payloadType": "application/vnd.in-toto+json",
    "payload": base64.b64encode(json.dumps(STATEMENT).encode()).decode(),
}


def attach(content: Store, tag: str, media_type: str, payload: Any, subject: str = "") -> Dict[str, Any]:
    blobs = []
    for kind, body in (("application/vnd.example+json", b"{}"), (media_type, json.dumps(payload).encode())):
        content.blobs[digest_of(body)] = body
        blobs.append({"mediaType": kind, "digest": digest_of(body), "size": len(body)})
    document: Dict[str, Any] = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    document.update(config=blobs[0], layers=blobs[1:], artifactType="application/vnd.example")
    if subject:
        document["subject"] = {"mediaType": "x", "digest": subject, "size": 1}
    entry = add_manifest(content, document)
    if tag:
        content.tags[(NAME, tag)] = entry["digest"]
    return entry


def test_all_places_are_looked_at(run: Runner) -> None:
    content = single_image([[]])
    digest = content.tags[(NAME, "1.0")]
    attach(content, "", "application/vnd.in-toto+json", STATEMENT, digest)
    stem = digest.replace(":", "-")
    attach(content, stem + ".sig", "application/vnd.dev.cosign.simplesigning.v1+json", SIGNATURE)
    attach(content, stem + ".att", "application/vnd.dsse.envelope.v1+json", ENVELOPE)
    with Registry(content) as registry:
        ran = run("referrers", registry.target, "--payloads")
        found = [json.loads(line) for line in run("referrers", registry.target, "--json").out.splitlines()]
    assert ran.code == 0
    assert "https://spdx.dev/Document" in ran.out and "2 packages" in ran.out and "signs sha256:1" in ran.out
    assert "\x1b" not in ran.out
    kinds = [item["payloads"][0]["kind"] for item in found if item["type"] == "referrer"]
    assert kinds == [
        "https://spdx.dev/Document",
        "application/vnd.dev.cosign.simplesigning.v1+json",
        "https://spdx.dev/Document",
    ]


def test_attestations_of_the_index_are_found(run: Runner) -> None:
    with Registry(store()) as registry:
        ran = run("referrers", registry.target, "--platform", "linux/amd64")
    assert ran.code == 0 and "(attestation)" in ran.out


def test_what_is_attached_to_the_index_is_found(run: Runner) -> None:
    content = store()
    index = content.tags[(NAME, "1.0")]
    signature = {"critical": {"image": {"docker-manifest-digest": index}}}
    kind = "application/vnd.dev.cosign.simplesigning.v1+json"
    attach(content, index.replace(":", "-") + ".sig", kind, signature)
    attach(content, "", "application/vnd.in-toto+json", STATEMENT, index)
    with Registry(content) as registry:
        ran = run("referrers", registry.target, "--platform", "linux/amd64")
        items = run("referrers", registry.target, "--platform", "linux/amd64", "--json").out.splitlines()
    found = [item for item in map(json.loads, items) if item["type"] == "referrer" and item["subject"] == index]
    assert [item["payloads"][0]["problem"] for item in found] == [None, None]
    assert ran.out.count(", of the index {})".format(index)) == 2


def test_nothing_is_a_truthful_no(run: Runner) -> None:
    with Registry(single_image([[]])) as registry:
        ran = run("referrers", registry.target)
        tags = run("tags", registry.target)
    assert (ran.code, ran.out) == (1, "") and "Nothing refers to" in ran.err
    assert tags.out.split() == ["1.0"]


def test_a_payload_with_another_digest_is_told(run: Runner) -> None:
    content = single_image([[]])
    digest = content.tags[(NAME, "1.0")]
    attach(content, "", "application/vnd.in-toto+json", STATEMENT, digest)
    body = json.dumps(STATEMENT).encode()
    content.blobs[digest_of(body)] = body.replace(b"spdx", b"spdy")
    with Registry(content) as registry:
        ran = run("referrers", registry.target)
    assert ran.code == 0 and "not read: the blob's digest" in ran.out


@pytest.mark.parametrize(
    "document",
    [{}, {"payload": 1, "payloadType": "x"}, {"payload": "%%", "payloadType": "x"}, {"dsseEnvelope": 3}],
)
def test_what_is_no_envelope_stays_as_it_is(document: Dict[str, Any]) -> None:
    assert opened(document) == document


def test_whom_a_statement_is_about() -> None:
    assert subjects({"subject": [{"digest": {"sha256": "a", "sha512": "b", "x": 3}}, 7]}) == {"a", "b"}
    assert subjects({"critical": {"image": {"docker-manifest-digest": "sha256:c"}}}) == {"c"}
    assert subjects({"subject": "x", "critical": []}) == set()


def test_a_statement_about_another_image_is_marked(run: Runner) -> None:
    content = single_image([[]])
    digest = content.tags[(NAME, "1.0")]
    for subject in ("0" * 64, digest[7:]):
        statement = dict(STATEMENT, subject=[{"name": "x", "digest": {"sha256": subject}}])
        attach(content, "", "application/vnd.in-toto+json", statement, digest)
    with Registry(content) as registry:
        ran = run("referrers", registry.target)
    assert ran.out.count("about ANOTHER image") == 1 and ran.out.count("2 packages") == 2


def test_gists() -> None:
    assert gist({"components": [1, 2]}) == "2 components"
    assert gist({"predicate": {"builder": {"id": "x"}}}) == "built by x"
    assert gist({"critical": 3, "packages": "x"}) == ""
