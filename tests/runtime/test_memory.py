"""Memory that is freed stays with the process."""

import platform
import subprocess
import sys

import pytest

# Prints the page faults of twenty rounds, after one, that take 32 MB, 4 MB at a time, and free
# them. Nothing else takes memory meanwhile, which could come to lie behind and hold it.
ROUNDS = """
import ctypes
import resource
import sys
from gancli.runtime.memory import keep_freed

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes = [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
size = 4 << 20

def round():
    blocks = [library.malloc(size) for _ in range(8)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks:
        library.free(block)

if sys.argv[1] == "keep":
    assert keep_freed()
round()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    round()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode):
    done = subprocess.run(
        [sys.executable, "-c", ROUNDS, mode], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc",
    reason="freed memory is kept through mallopt, which only glibc has",
)
def test_freed_memory_is_not_given_back():
    assert 20 * faults("keep") < faults("give back")
