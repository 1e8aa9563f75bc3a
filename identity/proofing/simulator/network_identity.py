"""`python -m identity.proofing.simulator.network_identity`: the national network identity for the demo world.

A ticket `ticket-<last six signs of the number>-<anything>` is what the
national app would give to that person; it works once.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
import threading

from demo import families, world
from identity.proofing.simulator.server import Said, serve

_KEY = b"the demo's national identity service"


class Service:
    """Redeems tickets and answers with a number that says nothing by itself."""

    def __init__(self) -> None:
        people = [(each.resident_id, each.name) for each in world.load().citizens]
        people += [(each.resident_id, each.name) for each in families.load().wards]
        self._holders = {number[-6:]: (number, name) for number, name in people}
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def verify(self, said: Said) -> Said:
        """Answer whether a ticket is fresh and its bearer's."""
        ticket = said["ticket"]
        tail = ticket.split("-")[1] if ticket.startswith("ticket-") and ticket.count("-") >= 2 else ""
        holder = self._holders.get(tail)
        with self._lock:
            fresh = ticket not in self._used
            self._used.add(ticket)
        if holder is None or not fresh:
            return {"verdict": "expired"}
        number, name = holder
        if hashlib.sha256(f"{number}|{name}".encode()).hexdigest() != said["holder"]:
            return {"verdict": "not_matched"}
        digest = hmac.new(_KEY, number.encode(), hashlib.sha256).hexdigest()
        return {"verdict": "matched", "identifier": f"N{digest[:40]}"}


def main() -> int:
    """Serve the service."""
    return serve({"verify": Service().verify})


if __name__ == "__main__":
    sys.exit(main())
