"""find: which layers have a path, live or deleted."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional

from ...errors import UsageError
from ...filesystem.glob import Matcher, matcher, regex_matcher
from ...filesystem.merge import LaidOut
from ...filesystem.node import Node, Removal, normal
from ...render import json_lines
from ...render.listing import Listing
from ...render.tree import finding_line
from ..exit_codes import ExitCode, code_of_all, worse
from ..merged_view import finish, lay_out, single_image
from ..options import Options
from ..session import Session
from .ls import node_object


class Finding(NamedTuple):
    """A path that was asked for: where it stands, or stood."""

    path: str
    node: Optional[Node]  # live
    gone: Optional[Removal]  # or removed by a later layer


def find(session: Session) -> ExitCode:
    """``find IMAGE GLOB...``. NO when nothing is found."""
    options = session.options
    matches = (regex_matcher if options.regex else matcher)(options.words) if options.words else _anything
    if options.everywhere:
        return _everywhere(session, matches)
    source = session.open_remembering()
    try:
        laid = lay_out(session, source, single_image(session, source), keep_removed=True)
        if options.json:
            for layer in laid.layers:
                session.console.out(json_lines.line(json_lines.layer_object(layer)))
        count = 0
        listing = Listing(session.style)

        def lines() -> Iterator[str]:
            nonlocal count
            for finding in findings(laid, matches, options):
                count += 1
                yield _line(session, laid, finding, listing)

        session.console.lines(lines())
        if not count:
            session.console.say("Nothing is found{}.".format(laid.reach))
        code = code_of_all(laid.reports)
        return finish(session, source, "find", laid.reports, code if count else worse(code, ExitCode.NO))
    finally:
        source.close()


def _anything(path: str) -> bool:
    """Match all, where only types and sizes were asked for."""
    return True


def _everywhere(session: Session, matches: Matcher) -> ExitCode:
    """Search the layers that the store knows: each as it is, whatever image it belongs to."""
    if session.store is None:
        raise UsageError("--everywhere searches the cache, which --no-cache leaves out.")
    listing = Listing(session.style)
    count = layers = 0
    for known in session.store.search():
        layers += 1
        for entry in known.entries:
            path = normal(entry.name)
            if path is None or not _fits(entry.kind, entry.size, session.options) or not matches(path):
                continue
            count += 1
            if session.options.json:
                item = json_lines.entry_object(entry, -1, path, None, known.digests.get(entry.offset))
                session.console.out(json_lines.line(dict(item, layer_digest=known.digest)))
            else:
                session.console.out("{} {}\n".format(known.digest, listing.lines([entry])[0]))
    session.console.say("Searched {} layers read before.".format(layers))
    code = ExitCode.DONE if count else ExitCode.NO
    if session.options.json:
        session.console.out(json_lines.line(json_lines.summary_object("find", (), 0, int(code))))
    return code


def findings(laid: LaidOut, matches: Matcher, options: Options) -> Iterator[Finding]:
    """Yield what fits, live paths first."""
    for path, node in laid.tree.nodes():
        if matches(path) and _fits(node.entry.kind, node.size, options):
            yield Finding(path, node, None)
    for gone in laid.tree.removed:
        if matches(gone.path) and _fits(gone.entry.kind, gone.size, options):
            yield Finding(gone.path, None, gone)


def _fits(kind: str, size: int, options: Options) -> bool:
    return (options.kinds is None or kind in options.kinds) and size > options.larger


def _line(session: Session, laid: LaidOut, finding: Finding, listing: Listing) -> str:
    node, gone = finding.node, finding.gone
    if session.options.json:
        if node is not None:
            item = dict(node_object(laid, finding.path, node), state="live")
        else:
            assert gone is not None
            item = removal_object(laid, gone)
        return json_lines.line(item)[:-1]
    source = node or gone
    assert source is not None
    return finding_line(listing, source.entry, finding.path, source.layer, source.size, gone, session.style)


def removal_object(laid: LaidOut, gone: Removal) -> json_lines.Object:
    """Return a removed path as an object."""
    content = gone.link if gone.entry.kind == "h" else (gone.layer, gone.entry)
    digest = laid.digest_of(content)
    item = json_lines.entry_object(gone.entry, gone.layer, gone.path, gone.size, digest)
    item.update(state=gone.how, removed_by=gone.by)
    return item
