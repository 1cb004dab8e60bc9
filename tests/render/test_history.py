from __future__ import annotations

import pytest

from layerslayer.render.dockerfile import dockerfile_lines
from layerslayer.render.history import history_lines
from layerslayer.render.times import utc

from ..support.images import HOSTILE, is_safe, made_image

CREATED = "2026-01-15T09:30:00Z"
HISTORY = [
    {"created": CREATED, "created_by": "/bin/sh -c #(nop) ADD file:ab in / "},
    {"created": CREATED, "created_by": '/bin/sh -c #(nop)  CMD ["sh"]', "empty_layer": True},
    {"created": CREATED, "created_by": "RUN |1 V=1 /bin/sh -c make   a && make b # buildkit"},
    {"created": CREATED, "created_by": "LABEL t=My app", "empty_layer": True},
    {"created": CREATED, "created_by": "ENV A=b C=d", "empty_layer": True},
    {"created": CREATED, "created_by": "SHELL [/bin/bash -c]", "empty_layer": True},
    {"created": CREATED, "created_by": "/bin/bash -c x", "empty_layer": True},
    {"created": CREATED, "created_by": "/bin/ash -c y", "empty_layer": True},
    {"comment": "imported", "empty_layer": True},
]
IMAGE = made_image({"history": HISTORY, "config": {"Labels": {"t": "My app"}}}, [29_700_000, 512])


def test_one_line_a_step() -> None:
    assert history_lines(IMAGE)[:4] == [
        "0. 2026-01-15 09:30  layer 0          29.7 MB  ADD file:ab /",
        '1. 2026-01-15 09:30  metadata only          -  CMD ["sh"]',
        "2. 2026-01-15 09:30  layer 1            512 B  RUN make a && make b  (with V=1)",
        "3. 2026-01-15 09:30  metadata only          -  LABEL t=My app",
    ]
    assert history_lines(IMAGE)[-1] == "8. -                 metadata only          -  imported"


def test_the_dockerfile_can_be_read() -> None:
    assert dockerfile_lines(IMAGE) == [
        "# FROM is not known: the image does not name its base, whose steps come first here.",
        "",
        "# layer 0, 29.7 MB, sha256:" + "0" * 64,
        "ADD file:ab /",
        "",
        'CMD ["sh"]',
        "",
        "# layer 1, 512 B, sha256:" + "1" * 64,
        "# with build arguments: V=1",
        "RUN make a \\",
        "    && make b",
        "",
        'LABEL t="My app"',
        "",
        "ENV A=b C=d",
        "",
        'SHELL ["/bin/bash", "-c"]',
        "",
        "RUN x",
        "",
        'SHELL ["/bin/ash", "-c"]',
        "RUN y",
        "",
        "# imported",
    ]


@pytest.mark.parametrize("stated", ["annotations", "labels"])
def test_the_base_is_named_where_it_is_stated(stated: str) -> None:
    pairs = {"org.opencontainers.image.base.name": "docker.io/library/x:1", "org.opencontainers.image.base.digest": "d"}
    config = {"config": {"Labels": pairs if stated == "labels" else {}}}
    image = made_image(config, [], pairs if stated == "annotations" else {})
    assert dockerfile_lines(image)[0].startswith("# FROM docker.io/library/x:1@d ")


def test_the_base_is_named_where_podman_comments_it() -> None:
    steps = [{"created_by": "RUN x"}, {"created_by": "/bin/sh", "comment": "FROM docker.io/library/x\x1b:1"}]
    lines = dockerfile_lines(made_image({"history": steps}, [1, 1]))
    assert lines[0] == "# FROM docker.io/library/x\\x1b:1  (as the history says; its steps come first here)"


def test_lines_of_a_command_become_a_here_document() -> None:
    image = made_image({"history": [{"created_by": "/bin/sh -c a\nEOF\nb"}]}, [1])
    assert dockerfile_lines(image)[3:] == ["RUN <<EOFF", "a", "EOF", "b", "EOFF"]


def test_a_history_that_does_not_fit_is_said_to() -> None:
    image = made_image({"history": HISTORY[:1]}, [1, 2])
    assert history_lines(image) == [
        "0. 2026-01-15 09:30  ?                      ?  ADD file:ab /",
        "(the history does not match the 2 layers, so steps and layers are not paired)",
    ]
    assert dockerfile_lines(image)[1:] == ["# " + history_lines(image)[1], "", "ADD file:ab /"]


def test_without_a_history() -> None:
    assert "no build steps" in history_lines(made_image({}, [1]))[0]
    assert "artifact" in history_lines(made_image(None, [1]))[0]
    assert "no build steps" in dockerfile_lines(made_image({}, [1]))[-1]
    assert "artifact" in dockerfile_lines(made_image(None, [1]))[-1]


PLACES = ["{}", "RUN /bin/sh -c {}", "|1 {} /bin/sh -c x", "CMD {}", "ENV {}", "SHELL [{}]", "{} && {}", "COPY {}"]


@pytest.mark.parametrize("place", PLACES)
def test_remote_text_is_escaped(place: str) -> None:
    step = {"created_by": place.replace("{}", HOSTILE), "created": HOSTILE, "comment": HOSTILE}
    names = {"org.opencontainers.image.base.name": HOSTILE, "org.opencontainers.image.base.digest": HOSTILE}
    image = made_image({"history": [step, {"comment": HOSTILE}]}, [1, 2], names)
    assert "\\x1b[31m" in "".join(history_lines(image))
    assert is_safe(history_lines(image))
    assert is_safe(dockerfile_lines(image))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-15T09:30:00Z", "2026-01-15 09:30"),
        ("2026-01-15T09:30:59.123456789Z", "2026-01-15 09:30"),
        ("2026-01-15T01:30:00+02:00", "2026-01-14 23:30"),
        ("2026-01-15T23:30:00-01:30", "2026-01-16 01:00"),
        ("0001-01-01T00:00:00Z", "-"),
        ("", "-"),
        ("2026-13-15T09:30:00Z", "2026-13-15T09:30:00Z"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01T00:00:00+02:00"),
        ("yesterday\x1b", "yesterday\\x1b"),
    ],
)
def test_times_are_shown_in_utc(text: str, shown: str) -> None:
    assert utc(text) == shown
