"""Exact search over many templates in memory, in shards; never on disk, rebuilt whenever a search begins.

Exact, because an approximate one trades wrong persons for milliseconds that
nobody needs here, and because a graph index remembers what was erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from identity.face.vector import WIDTH, Vector

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


class Shard(Protocol):
    """Vectors by number, searched exactly by inner product."""

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """Add vectors under numbers."""

    def remove(self, ids: Ids) -> int:
        """Take vectors out; returns how many there were."""

    def search(self, vectors: Vectors, most: int) -> tuple[Vectors, Ids]:
        """Return each vector's best scores and numbers; -1 where there are fewer."""


class FaissShard:
    """faiss' flat index of half floats: 256 bytes a template (extra `[dedup]`)."""

    def __init__(self) -> None:
        faiss: Any = import_module("faiss")
        faiss.omp_set_num_threads(1)
        # IDMap, not IDMap2: the latter's hash map would double the memory.
        quantiser = faiss.IndexScalarQuantizer(WIDTH, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index: Any = faiss.IndexIDMap(quantiser)

    def add(self, vectors: Vectors, ids: Ids) -> None:
        self._index.add_with_ids(vectors, ids)

    def remove(self, ids: Ids) -> int:
        return int(self._index.remove_ids(ids))

    def search(self, vectors: Vectors, most: int) -> tuple[Vectors, Ids]:
        scores, ids = self._index.search(vectors, most)
        return scores, ids


class NumpyShard:
    """The same by numpy, for cities too small to install faiss for."""

    def __init__(self) -> None:
        self._vectors: Vectors = np.empty((0, WIDTH), np.float32)
        self._ids: Ids = np.empty(0, np.int64)

    def add(self, vectors: Vectors, ids: Ids) -> None:
        self._vectors, self._ids = np.vstack([self._vectors, vectors]), np.concatenate([self._ids, ids])

    def remove(self, ids: Ids) -> int:
        gone = np.isin(self._ids, ids)
        self._vectors, self._ids = self._vectors[~gone], self._ids[~gone]
        return int(gone.sum())

    def search(self, vectors: Vectors, most: int) -> tuple[Vectors, Ids]:
        scores = vectors @ self._vectors.T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :most]
        found = np.full((len(vectors), most), np.float32(-np.inf)), np.full((len(vectors), most), -1, np.int64)
        found[0][:, : best.shape[1]] = np.take_along_axis(scores, best, axis=1)
        found[1][:, : best.shape[1]] = self._ids[best]
        return found


def default_shard() -> Shard:
    """Return faiss' shard, or numpy's where faiss is not installed."""
    try:
        return FaissShard()
    except ModuleNotFoundError:
        return NumpyShard()


class Gallery:
    """Templates over several shards; which shard, the id's hash says.

    A template is known by 63 bits of its id's hash alone: ids in clear would
    take as much memory again. Two of 1.6 million share them once in a million cities.
    """

    def __init__(self, shards: int = 4, *, make: Callable[[], Shard] = default_shard) -> None:
        self._shards = [make() for _ in range(shards)]
        self._held = 0

    def __len__(self) -> int:
        return self._held

    def fill(self, names: Sequence[str], vectors: Vectors) -> None:
        """Add templates that are not in yet."""
        numbers = np.array([number_of(name) for name in names], np.int64)
        for at, shard in enumerate(self._shards):
            mine = numbers % len(self._shards) == at
            if mine.any():
                shard.add(np.ascontiguousarray(vectors[mine], np.float32), numbers[mine])
        self._held += len(names)

    def replace(self, name: str, vector: Vector) -> None:
        """Add a template in place of one with the same name."""
        self.erase(name)
        self.fill([name], vector[np.newaxis])

    def erase(self, name: str) -> bool:
        """Take a template out; returns whether it was in."""
        number = number_of(name)
        gone = self._shards[number % len(self._shards)].remove(np.array([number], np.int64))
        self._held -= gone
        return gone == 1

    def search(self, vector: Vector, most: int) -> list[tuple[int, float]]:
        """Return the best numbers and scores over all shards, best first."""
        found: list[tuple[int, float]] = []
        for shard in self._shards:
            scores, numbers = shard.search(vector[np.newaxis].astype(np.float32), most)
            pairs = zip(numbers[0].tolist(), scores[0].tolist(), strict=True)
            found += [(number, score) for number, score in pairs if number >= 0]
        return sorted(found, key=lambda each: -each[1])[:most]


def number_of(name: str) -> int:
    """Return the number by which an index knows a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
