"""Chunks of work on all processors; the compiled kernels let go of the interpreter's lock."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np

_Chunk = TypeVar("_Chunk")
_Answer = TypeVar("_Answer")


def workers() -> int:
    """Threads to use: one a processor, at most 8."""
    return min(os.cpu_count() or 1, 8)


def spread(work: Callable[[_Chunk], _Answer], parts: Iterable[_Chunk]) -> list[_Answer]:
    """``work(part)`` for every part on all processors; the answers in order."""
    parts = list(parts)
    if len(parts) < 2 or workers() == 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(workers()) as pool:
        return list(pool.map(work, parts))


def chunks(n: int, *, least: int = 1000, each: int = 2) -> list[tuple[int, int]]:
    """The range from 0 to `n` in `each` parts a processor, none shorter than `least` unless it is the only one: low and high of each."""
    parts = max(1, min(each * workers(), n // least))
    return list(pairwise(np.linspace(0, n, parts + 1).astype(int).tolist()))
