"""Open two images in one process, each with limits and credentials of its own, and compare a file of theirs."""

import sys

import layerslayer


def main(first: str, second: str, username: str, password: str) -> None:
    careful = layerslayer.Limits(size=2**30, entries=100_000)
    known = layerslayer.ConnectionOptions(username=username, password=password, timeout=10, retries=2)
    with layerslayer.open(first, limits=careful, cache=None) as public, layerslayer.open(
        second, options=known, cache=None
    ) as private:
        for image in (public, private):
            print(image.digest, image.platform, image.size, [layer.number for layer in image.layers])
        same = public.read("/etc/os-release") == private.read("/etc/os-release")
        print("same" if same else "different", *[found.path for found in private.find("etc/*")])


if __name__ == "__main__":
    main(*sys.argv[1:])
