"""Latencies with three significant digits from 1 µs to minutes, in constant space (the HdrHistogram layout)."""

from __future__ import annotations

from collections import Counter


class Histogram:
    """Counts of microseconds in log-linear buckets: 1,024 steps for each power of two."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def record(self, seconds: float) -> None:
        """Count one latency."""
        value = max(0, int(seconds * 1_000_000))
        shift = max(0, value.bit_length() - 11)
        self.counts[shift * 1024 + (value >> shift)] += 1

    def __len__(self) -> int:
        return self.counts.total()

    def quantile(self, share: float) -> float:
        """Return the milliseconds that a share (0 to 1) of the latencies did not exceed; NaN when empty."""
        left = share * len(self)
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                return _upper(bucket) / 1000
        return float("nan")


def _upper(bucket: int) -> int:
    if bucket < 2048:
        return bucket
    shift = bucket // 1024 - 1
    return ((bucket - shift * 1024 + 1) << shift) - 1
