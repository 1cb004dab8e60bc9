"""How many connections a process holds, whoever opened them."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from layerslayer.registry.http import connection_limit
from layerslayer.registry.http.connection_limit import Lines, jobs_at_once


class Connection:
    """``sock`` is there while it is open."""

    sock: Any = None


class Holder:
    """Closes, when told to rest, the connections that it has."""

    def __init__(self, *connections: Connection) -> None:
        self.connections = connections
        self.rests = 0

    def rest(self) -> None:
        self.rests += 1
        for connection in self.connections:
            connection.sock = None


def opened(lines: Lines, connection: Connection) -> object:
    connection.sock = lines.opened(connection, object)
    return connection.sock


def test_unused_connections_make_room_for_new_ones() -> None:
    lines, connections = Lines(3), [Connection() for _ in range(5)]
    holder = Holder(*connections[:3])
    lines.hold(holder)
    for connection in connections[:2]:
        opened(lines, connection)
    assert holder.rests == 0
    opened(lines, connections[2])  # the third is being opened: there are as many as may be
    assert holder.rests == 0
    opened(lines, connections[3])
    assert holder.rests == 1 and [connection.sock is None for connection in connections] == [True] * 3 + [False, True]


def test_who_is_gone_holds_nothing() -> None:
    lines = Lines(1)
    lines.hold(Holder())
    connection = Connection()
    assert opened(lines, connection) is not None


@pytest.mark.parametrize("number, tries", [(errno.EMFILE, 2), (errno.ENFILE, 2), (errno.ECONNREFUSED, 1)])
def test_where_no_more_files_may_be_open_it_is_tried_again(number: int, tries: int) -> None:
    lines, holder, tried = Lines(100), Holder(), []
    lines.hold(holder)

    def connect() -> object:
        tried.append(1)
        raise RuntimeError("wrapped") from OSError(number, "no")

    with pytest.raises(RuntimeError):
        lines.opened(Connection(), connect)
    assert (len(tried), holder.rests) == (tries, tries - 1)


@pytest.mark.parametrize(("files", "jobs"), [(10, 1), (60, 3), (256, 8), (2**30, 8)])
def test_as_many_jobs_as_the_system_allows_files(files: int, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limit, "allowed_files", lambda: files)
    assert jobs_at_once(8) == jobs


def test_what_the_system_allows_is_known() -> None:
    assert connection_limit.allowed_files() >= 16
