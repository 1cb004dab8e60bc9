"""Images on the disk of the tests: OCI layouts, and tars of whatever members."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from layerslayer.demo.image import Store
from layerslayer.oci.descriptor import digest_of
from layerslayer.oci.layout import REF_NAME, blob_name


def layout_files(store: Store, named: Sequence[Tuple[Optional[str], str]]) -> Dict[str, bytes]:
    """Return the files of an OCI layout of all that a store holds; ``named`` pairs names and manifest digests."""
    entries: List[Dict[str, Any]] = []
    for name, digest in named:
        stored = store.manifests[digest]
        entry: Dict[str, Any] = {"mediaType": stored.media_type, "digest": digest, "size": len(stored.body)}
        if name is not None:
            entry["annotations"] = {REF_NAME: name}
        entries.append(entry)
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    for digest, blob in [*store.blobs.items(), *((key, stored.body) for key, stored in store.manifests.items())]:
        files[blob_name(digest)] = blob
    return files


def write_folder(folder: Path, files: Dict[str, bytes]) -> Path:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def tar_bytes(members: Sequence[Tuple[str, Any]], form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a tar; a member's content is bytes, or ("symlink" | "hardlink", target), or None for a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                info.type = tarfile.SYMTYPE if content[0] == "symlink" else tarfile.LNKTYPE
                info.linkname = content[1]
            elif content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def write_tar(path: Path, members: Sequence[Tuple[str, Any]], form: int = tarfile.GNU_FORMAT) -> Path:
    path.write_bytes(tar_bytes(members, form))
    return path


def saved_config(layers: Sequence[bytes]) -> bytes:
    """Return the config of an image of uncompressed ``layers``."""
    diff_ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
    return json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    ).encode()


def saved_members(
    layers: Sequence[bytes], stored: Optional[Sequence[bytes]] = None, names: Sequence[str] = ("demo/shop:1",)
) -> List[Tuple[str, Any]]:
    """Return what ``docker save`` puts into its archive; ``stored`` are the layers' bytes there, if not as they are."""
    config = saved_config(layers)
    members: List[Tuple[str, Any]] = [(digest_of(config)[7:] + ".json", config)]
    paths = []
    for number, body in enumerate(stored or layers):
        paths.append("{}/layer.tar".format(number))
        members.append((paths[-1], body))
    entry = {"Config": members[0][0], "RepoTags": list(names), "Layers": paths}
    return [*members, ("manifest.json", json.dumps([entry]).encode())]
