"""Two thousand layers over connections that keep breaking: exact listings, and nothing left behind."""

from __future__ import annotations

import gc
import os
import random
import threading
import time

import pytest

from layerslayer.demo.image import Member

from ..support.registry import NAME, Registry
from ..support.registry.cutting import CuttingProxy
from ..support.registry.faults import single_image
from ..support.registry.running import Runner

ROUNDS, LAYERS = 20, 100


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def resident() -> int:
    """Return this process's memory in bytes, 0 where it is not told."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@pytest.mark.parametrize("reset", [False, True], ids=["ended", "reset"])
def test_soak(run: Runner, reset: bool) -> None:
    noise = random.Random(5)
    layers = [
        [Member("d{}/f{}".format(number, name), body=bytes(noise.getrandbits(8) for _ in range(900))) for name in "abc"]
        for number in range(LAYERS - 1)
    ]
    layers.append([Member("large", body=bytes(noise.getrandbits(8) for _ in range(400000)))])
    with Registry(single_image(layers)) as registry:
        port = int(registry.host.rpartition(":")[2])
        expected = run("--peek-all", "-t", registry.target, "--no-cache").out
        assert expected.count("complete.") == LAYERS
        with CuttingProxy(port, 60000, 300000, reset=reset) as proxy:
            for turn in range(ROUNDS // 2):
                ran = run("--peek-all", "-t", "127.0.0.1:{}/{}:1.0".format(proxy.port, NAME), "--no-cache")
                assert ran.code == 0, ran.err
                assert ran.out == expected
                if turn == 2:
                    files, threads, memory = open_files(), threading.active_count(), resident()
            assert proxy.cuts >= ROUNDS // 2
    until = time.monotonic() + 10
    while (open_files() > files or threading.active_count() > threads) and time.monotonic() < until:
        time.sleep(0.05)
    assert open_files() <= files
    assert threading.active_count() <= threads
    assert resident() <= memory + 16 * 1024 * 1024
