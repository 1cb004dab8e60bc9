"""What one origin alone is shown: secrets, and what no secret is."""

from __future__ import annotations

from typing import Callable, Dict, Mapping


class Shown(Dict[str, str]):
    """Headers for one origin, which are secret: never sent over plain http to another machine.

    Those in ``open`` are: the tokens that an auth service gives to visitors without a name.
    ``private``: the query and the form are secret too, so that without https nothing is sent at all.
    """

    def __init__(self, secret: Mapping[str, str], open: Mapping[str, str], private: bool = False) -> None:
        super().__init__(secret)
        self.open = open
        self.private = private


NOTHING = Shown({}, {})
Secrets = Callable[[str], Shown]  # URL -> what its origin is shown, asked at each hop
