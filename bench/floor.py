"""``python -m bench.floor FOLDER URL...``: the least that Python takes to save blobs and hash them.

A bare socket for each blob, whose bytes go through one buffer into sha256 and a
file; no HTTP library, no manifest, no names, no second try. What a real program
takes more than that is its own.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import threading
from urllib.parse import urlsplit

_BUFFER = 1024 * 1024  # bytes


def save(folder: str, url: str) -> None:
    """Save the blob at ``url``, which ends with its digest."""
    parts = urlsplit(url)
    digest = url.rpartition(":")[2]
    buffer = bytearray(_BUFFER)
    view = memoryview(buffer)
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as line, open(
        os.path.join(folder, digest), "wb", buffering=0
    ) as file:
        line.sendall("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n".format(parts.path, parts.netloc).encode())
        begins, count = -1, 0
        while begins < 0:
            count += line.recv_into(view[count:])
            begins = buffer.find(b"\r\n\r\n", 0, count)
        begins += 4
        headers = dict(row.lower().split(b": ", 1) for row in bytes(buffer[:begins]).splitlines() if b": " in row)
        hashed, left = hashlib.sha256(), int(headers[b"content-length"])
        piece = view[begins:count]
        while True:
            hashed.update(piece)
            file.write(piece)
            left -= len(piece)
            if not left:
                break
            piece = view[: line.recv_into(view)]
    if hashed.hexdigest() != digest:
        sys.exit("bench: {} has another digest".format(url))


def main() -> None:
    folder, urls = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    threads = [threading.Thread(target=save, args=(folder, url)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
