"""What the C library does with freed memory, which decides much of a CPU's training time."""

import ctypes
import os
import sys

# Of mallopt(3), as glibc numbers them.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def keep_freed() -> bool:
    """Keep freed blocks for the next step instead of giving them back to the system.

    Every training step needs the same large blocks again; glibc returns them at once, and each page
    has to be faulted in anew. Kept, and in huge pages where the system has them, a step took 3.0 s
    instead of 4.7 s on two cores. To be called before the first large tensor is made.

    Returns:
        Whether there is such a C library here; elsewhere nothing is changed.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # PyTorch's own switch
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl has none
        return False
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TOP_PAD, 256 * 2**20)
    return bool(mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
