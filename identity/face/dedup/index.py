"""Exact search over many templates in memory, in shards; never on disk, rebuilt whenever a search begins.

Exact, because an approximate one trades wrong persons for milliseconds that
nobody needs here, and because a graph index remembers what was erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
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
    """Templates by their own ids over several shards; which shard, the id's hash says."""

    def __init__(self, shards: int = 4, *, make: Callable[[], Shard] = default_shard) -> None:
        self._shards = [make() for _ in range(shards)]
        self._names: list[str | None] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def enrol(self, name: str, vector: Vector) -> None:
        """Add a template, in place of one with the same name."""
        self.erase(name)
        number = len(self._names)
        self._names.append(name)
        self._numbers[name] = number
        self._shard(name).add(vector[np.newaxis].astype(np.float32), np.array([number], np.int64))

    def erase(self, name: str) -> bool:
        """Take a template out; nothing found later names it."""
        number = self._numbers.pop(name, None)
        if number is None:
            return False
        self._names[number] = None
        return self._shard(name).remove(np.array([number], np.int64)) == 1

    def search(self, vector: Vector, most: int) -> list[tuple[str, float]]:
        """Return the best names and scores over all shards, best first."""
        found: list[tuple[str, float]] = []
        for shard in self._shards:
            scores, ids = shard.search(vector[np.newaxis].astype(np.float32), most)
            pairs = zip(ids[0].tolist(), scores[0].tolist(), strict=True)
            found += [(name, score) for at, score in pairs if at >= 0 and (name := self._names[at]) is not None]
        return sorted(found, key=lambda each: -each[1])[:most]

    def _shard(self, name: str) -> Shard:
        return self._shards[hashlib.sha256(name.encode()).digest()[0] % len(self._shards)]
