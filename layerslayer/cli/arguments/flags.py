"""Flags that several verbs share, and what their values can be."""

from __future__ import annotations

from ..._version import __version__

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any, Callable


def image_flags(group: Any, platforms: str) -> None:
    group.add_argument("--demo", action="store_true", help="use a small image that the program serves to itself")
    group.add_argument(
        "--platform", metavar="PLATFORM", help=platforms + " of a multi-arch image (default: linux on this machine)"
    )
    group.add_argument(
        "--layer",
        dest="layers",
        action="append",
        metavar="INDEX|DIGEST",
        help="only this layer, or a range like 2-5 (repeatable)",
    )


def folder_flag(group: Any, default: str) -> None:
    group.add_argument("-o", "--output-dir", metavar="DIR", help=f"where files go (default: {default})")
    group.set_defaults(default_dir=default)


def fast_flag(group: Any) -> None:
    group.add_argument("--fast", action="store_true", help="believe the publisher's index of a layer, if it has one")


def cost_flags(parser: ArgumentParser) -> None:
    cost = parser.add_argument_group("cost")
    cost.add_argument(
        "--budget",
        metavar="SIZE",
        type=size,
        default=-1,
        help="fetch no more than SIZE of layers: 500, 64K, 10M, 1G (K is 1024)",
    )
    cost.add_argument("--plan", action="store_true", help="fetch no layers: show what each would cost at most")


def format_flag(group: Any) -> None:
    group.add_argument(
        "--format",
        choices=("layers", "oci", "oci-archive", "docker-archive"),
        default="layers",
        help="what is written (default: layers, one file each)",
    )


def network_flags(parser: ArgumentParser) -> None:
    network = parser.add_argument_group("network")
    _login_flags(network)
    _certificate_flags(network)
    _registry_flags(network)
    _line_flags(network)


def _login_flags(network: Any) -> None:
    network.add_argument(
        "--token-file", metavar="FILE", help="bearer token for the registry named first (default: token.txt, if there)"
    )
    network.add_argument(
        "--username",
        metavar="NAME",
        help="log in as NAME to the registry named first; the password with --password-stdin",
    )
    network.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    network.add_argument(
        "--trust-realm",
        metavar="HOST[:PORT]",
        action="append",
        default=[],
        dest="trusted_realms",
        help="show logins to this auth service too",
    )


def _certificate_flags(network: Any) -> None:
    network.add_argument("--ca-file", metavar="FILE", help="certificate authority to trust besides the usual ones")
    network.add_argument("--client-cert", metavar="FILE", help="certificate to show the registry named first")
    network.add_argument("--client-key", metavar="FILE", help="its key (default: in the same file)")
    network.add_argument(
        "--insecure", metavar="HOST", action="append", default=[], help="do not check the certificate of HOST"
    )


def _registry_flags(network: Any) -> None:
    network.add_argument("--mirror", metavar="HOST", help="ask this mirror for Docker Hub's images first")
    network.add_argument(
        "--limit",
        metavar="NAME=N",
        action="append",
        default=[],
        dest="limits",
        help="raise or lower a bound on what an image may cost: size, ratio, entries, layers, document, "
        "extension, window, path, view, memory, frames",
    )
    network.add_argument(
        "--allow-private", action="store_true", help="let a public registry lead into private networks"
    )
    network.add_argument("--plain-http", action="store_true", help="allow http to other hosts than this machine")


def _line_flags(network: Any) -> None:
    network.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=30.0,
        help="give up after so long without data (default: 30)",
    )
    network.add_argument(
        "--retries",
        metavar="N",
        type=retries,
        default=5,
        help="try again what may pass, N times (default: 5)",
    )
    network.add_argument("-j", "--jobs", metavar="N", type=jobs, default=8, help="layers fetched at once (default: 8)")


def cache_flags(parser: ArgumentParser) -> None:
    cache = parser.add_argument_group("cache")
    cache.add_argument("--no-cache", action="store_true", help="neither use nor keep what is known of layers")
    cache.add_argument("--cache-dir", metavar="DIR", help="where that is kept (default: the user's cache folder)")


def output_flags(parser: ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="results as JSON Lines (docs/json.md)")
    output.add_argument("-l", "--log-file", metavar="FILE", help="write all that is shown and typed to FILE too")
    output.add_argument("-q", "--quiet", action="store_true", help="only results, prompts, warnings and errors")
    output.add_argument("-v", "--verbose", action="store_true", help="show every HTTP request, without secrets")
    output.add_argument("--no-color", action="store_true", help="no colours (also: NO_COLOR=1)")
    about = parser.add_argument_group("about")
    about.add_argument("--version", action="version", version="layerslayer " + __version__)
    about.add_argument("-h", "--help", action="help", help="show this help")


# -- values: argparse names them in its errors by __name__ ----------------


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86400:
        raise ValueError
    return value


def _whole_number(name: str, least: int, most: int) -> Callable[[str], int]:
    def value_of(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError
        return value

    value_of.__name__ = name
    return value_of


jobs = _whole_number("number from 1 to 64", 1, 64)
retries = _whole_number("number up to 100", 0, 100)
depth = _whole_number("depth", 0, 4096)


def kinds(text: str) -> str:
    letters = "".join({"f": "-h", "d": "d", "l": "l"}.get(letter, "?") for letter in text if letter != ",")
    if not letters or "?" in letters:
        raise ValueError
    return letters


def size(text: str) -> int:
    number, unit = text.rstrip("bB"), 1
    if number[-1:].upper() in ("K", "M", "G", "T"):
        unit = 1024 ** ("KMGT".index(number[-1].upper()) + 1)
        number = number[:-1]
    value = float(number) * unit
    if not 0 <= value < 2**63:  # nor infinite, nor no number
        raise ValueError
    return int(value)


seconds.__name__, kinds.__name__, size.__name__ = "number of seconds", "type", "size"
