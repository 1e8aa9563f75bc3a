"""Say about a compiled answer what `app.telemetry` says about an ordinary one: metrics and one log line."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import Counter, Histogram

from app.telemetry import REQUESTS, SECONDS


@dataclass(frozen=True, slots=True)
class Observer:
    """The meters of one route and status, looked up once."""

    requests: Counter
    seconds: Histogram
    words: str

    @classmethod
    def of(cls, route: str, method: str, status: int) -> Observer:
        """Return the meters of a route."""
        words = f'"route": "{route}", "method": "{method}", "status": {status}'
        return cls(REQUESTS.labels(route, method, status), SECONDS.labels(route), words)

    def note(self, request_id: str, seconds: float) -> None:
        """Count and log one answer; the line holds the rule and ids only."""
        self.requests.inc()
        self.seconds.observe(seconds)
        at = time.time()
        sys.stderr.write(
            f'{{{self.words}, "ms": {seconds * 1000:.2f}, "request_id": "{request_id}", "trace_id": null, '
            f'"level": "info", "timestamp": "{_second(int(at))}.{int(at % 1 * 1e6):06d}Z", "event": "request"}}\n'
        )


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
