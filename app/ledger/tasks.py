"""Count what hot accounts received."""

from __future__ import annotations

from app.jobs import Job, Schedule
from app.ledger.service import count_hot

JOBS = (Job(name="core.ledger_count", run=count_hot),)
SCHEDULE = (Schedule(job="core.ledger_count", every_seconds=10),)
