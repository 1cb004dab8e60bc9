"""What one origin alone is shown."""

from __future__ import annotations

from layerslayer.registry.http.origin_headers import NOTHING, Shown


def test_secrets_and_what_is_none() -> None:
    shown = Shown({"Authorization": "Basic x"}, {"X-Visitor": "y"})
    assert dict(shown) == {"Authorization": "Basic x"} and shown.open == {"X-Visitor": "y"} and not shown.private
    assert Shown({}, {}, private=True).private
    assert not NOTHING and not NOTHING.open and not NOTHING.private
