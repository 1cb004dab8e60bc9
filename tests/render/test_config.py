from __future__ import annotations

from layerslayer.render.config import config_lines

from ..support.images import HOSTILE, is_safe, made_image

RUN = {
    "User": "1000",
    "ExposedPorts": {"8080/tcp": {}},
    "Env": ["A=b", "PATH=/usr/bin"],
    "Entrypoint": ["python3", 'a "b'],
    "Cmd": ["main.py"],
    "Volumes": {"/data": {}},
    "WorkingDir": "/srv",
    "Labels": {"a": "b"},
    "StopSignal": "SIGINT",
    "Healthcheck": {
        "Test": ["CMD-SHELL", "curl x"],
        "Interval": 90 * 10**9,
        "Timeout": 10**7,
        "StartPeriod": 1,
        "StartInterval": 3600 * 10**9,
        "Retries": 3,
    },
    "Shell": ["/bin/bash", "-c"],
    "OnBuild": ["RUN x", "RUN y"],
}


def test_all_values_stand_aligned() -> None:
    document = {
        "os": "linux",
        "architecture": "amd64",
        "created": "2026-01-15T09:30:00Z",
        "author": "Ada",
        "config": RUN,
    }
    assert config_lines(made_image(dict(document, config=RUN))) == [
        "Platform     linux/amd64",
        "Created      2026-01-15 09:30 UTC",
        "Author       Ada",
        "User         1000",
        'Entrypoint   ["python3", "a \\"b"]',
        'Cmd          ["main.py"]',
        "Working dir  /srv",
        "Env          A=b",
        "             PATH=/usr/bin",
        "Ports        8080/tcp",
        "Volumes      /data",
        "Labels       a=b",
        "Stop signal  SIGINT",
        "Healthcheck  curl x; every 90s; timeout 10ms; start period 1ns; every 1h while starting; 3 tries",
        'Shell        ["/bin/bash", "-c"]',
        "On build     RUN x",
        "             RUN y",
    ]


def test_what_everybody_looks_for_is_said_to_be_missing() -> None:
    lines = config_lines(made_image({}))
    assert [line.split()[0] for line in lines] == ["Platform", "Created", "User", "Entrypoint", "Cmd"]
    assert all(line.endswith("(not stated)") for line in lines)


def test_an_artifact_has_none() -> None:
    assert config_lines(made_image(None)) == ["(no image config: application/x-chart)"]


def test_a_healthcheck_may_be_none() -> None:
    lines = config_lines(made_image({"config": {"Healthcheck": {"Test": ["NONE"]}}}))
    assert lines[-1] == "Healthcheck  none"


def test_remote_text_is_escaped() -> None:
    values = {
        key: HOSTILE if isinstance(value, str) else {HOSTILE: HOSTILE} if isinstance(value, dict) else [HOSTILE]
        for key, value in RUN.items()
    }
    values["Healthcheck"] = {"Test": [HOSTILE, HOSTILE]}
    lines = config_lines(made_image({"os": HOSTILE, "created": HOSTILE, "author": HOSTILE, "config": values}))
    assert len(lines) == 15
    assert is_safe(lines)


def test_a_time_of_zero_is_not_stated() -> None:
    lines = config_lines(made_image({"created": "0001-01-01T00:00:00Z"}))
    assert "Created      (not stated)" in lines
