"""What an image config says of how the image is run; histories are tried in test_manifest."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.oci.config import Config, Execution, Healthcheck, parse_config

DIGEST = "sha256:" + "a" * 64


def parsed(document: Dict[str, Any]) -> Config:
    return parse_config(json.dumps(document).encode(), 0)


def test_all_that_is_stated_is_read() -> None:
    config = parsed(
        {
            "author": "Ada",
            "created": "2026-01-15T09:30:00Z",
            "os": "linux",
            "architecture": "arm64",
            "variant": "v8",
            "config": {
                "User": "1000:1000",
                "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
                "Env": ["A=b", "C="],
                "Entrypoint": ["python3"],
                "Cmd": ["main.py", "-v"],
                "Volumes": {"/data": {}},
                "WorkingDir": "/srv",
                "Labels": {"a": "b"},
                "StopSignal": "SIGINT",
                "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30000000000, "Retries": 3},
                "Shell": ["/bin/bash", "-c"],
                "OnBuild": ["RUN x"],
            },
            "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
        }
    )
    assert (config.author, str(config.platform), config.diff_ids) == ("Ada", "linux/arm64/v8", (DIGEST,))
    assert config.execution == Execution(
        user="1000:1000",
        exposed_ports=("8080/tcp", "53/udp"),
        env=("A=b", "C="),
        entrypoint=("python3",),
        cmd=("main.py", "-v"),
        volumes=("/data",),
        working_dir="/srv",
        labels=(("a", "b"),),
        stop_signal="SIGINT",
        healthcheck=Healthcheck(("CMD", "true"), interval=30000000000, retries=3),
        shell=("/bin/bash", "-c"),
        on_build=("RUN x",),
    )


WRONG = [None, 3, True, -1.5, "", [], {}, [3, None, {}], {"a": 1}]
_LISTS = ["Env", "Entrypoint", "Cmd", "Shell", "OnBuild"]
KEYS = ["User", "ExposedPorts", "Volumes", "WorkingDir", "Labels", "StopSignal", "Healthcheck", *_LISTS]


@pytest.mark.parametrize("value", WRONG, ids=map(str, WRONG))
def test_what_has_a_wrong_type_is_as_if_absent(value: Any) -> None:
    assert parsed({"config": value, "rootfs": value, "author": value if value else None}).execution == Execution()
    for key in KEYS:
        if not (isinstance(value, dict) and value and key in ("ExposedPorts", "Volumes")):
            assert parsed({"config": {key: value}}).execution == Execution(), key


def test_one_word_may_be_a_plain_string() -> None:
    assert parsed({"config": {"Entrypoint": "/run"}}).execution.entrypoint == ("/run",)


@pytest.mark.parametrize("value", [True, "9", -1, 2**63, 1.5, None])
def test_durations_are_checked(value: Any) -> None:
    health = parsed({"config": {"Healthcheck": {"Test": ["NONE"], "Interval": value}}}).execution.healthcheck
    assert health == Healthcheck(("NONE",))


@pytest.mark.parametrize("ids", [[DIGEST, "sha256:../x"], [DIGEST, 3], DIGEST, {"a": DIGEST}, [DIGEST] * 10001])
def test_diff_ids_are_all_digests_or_none(ids: Any) -> None:
    assert parsed({"rootfs": {"diff_ids": ids}}).diff_ids == ()


def test_lists_are_bounded() -> None:
    config = parsed({"config": {"Env": ["A=b"] * 20000}, "history": [{}] * 20000})
    assert (len(config.execution.env), len(config.steps)) == (10000, 10000)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*KEYS, "config", "rootfs", "diff_ids", "Test", "Interval", "history"]), inner, max_size=5
        )
    ),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["config", "rootfs", "author", "created", "history", "os"]), ANY, max_size=6))
def test_every_value_has_the_type_that_is_promised(document: Dict[str, Any]) -> None:
    config = parsed(document)
    run = config.execution
    words = [run.exposed_ports, run.env, run.entrypoint, run.cmd, run.volumes, run.shell, run.on_build, config.diff_ids]
    assert all(isinstance(word, str) for group in words for word in group)
    assert all(isinstance(text, str) for text in (run.user, run.working_dir, run.stop_signal, config.author))
    assert all(isinstance(text, str) for pair in run.labels for text in pair)
