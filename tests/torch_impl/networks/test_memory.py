"""Freed memory stays in the process."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys, torch
from torch_impl.networks import keep_heap
if sys.argv[1] == "keep":
    assert keep_heap()
def use():
    tensors = [torch.ones(9_000_000) for _ in range(3)]  # 36 MB each
for _ in range(20):
    use()  # until the heap has found its shape
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.sampled(2)
@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.confstr("CS_GNU_LIBC_VERSION") is None, reason="needs glibc"
)
def test_big_tensors_no_longer_fault_their_pages_in_anew() -> None:
    def faults(mode: str) -> int:
        run = subprocess.run([sys.executable, "-c", SCRIPT, mode], capture_output=True, text=True, check=True)
        return int(run.stdout)

    usual, kept = faults("default"), faults("keep")
    assert usual > 10_000  # 15 tensors of 8,790 pages
    assert kept < usual / 20
