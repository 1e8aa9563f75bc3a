"""Jobs of the health plugin."""

from __future__ import annotations

from app.api import Job, Schedule
from plugins.health.service import outcomes, receipts


def resolve_unknown(settlement: str) -> None:
    """Find out what became of a settlement without an answer."""
    outcomes.resolve(settlement)


def sweep_unknown() -> None:
    """Queue every settlement that still waits for its outcome."""
    outcomes.sweep()


def send_notice(settlement: str) -> None:
    """Tell the citizen about a settled purchase."""
    receipts.send_notice(settlement)


def issue_receipt(settlement: str) -> None:
    """Put the receipt into the citizen's card pack."""
    receipts.issue_receipt(settlement)


# A sale is finished and told to the customer even if the terminal is stopped meanwhile.
TASKS = (
    Job(name="health.resolve_unknown", run=resolve_unknown, outlives_withdrawal=True),
    Job(name="health.sweep_unknown", run=sweep_unknown),
    Job(name="health.send_notice", run=send_notice, outlives_withdrawal=True),
    Job(name="health.issue_receipt", run=issue_receipt, outlives_withdrawal=True),
)
SCHEDULE = (Schedule(job="health.sweep_unknown", every_seconds=5),)
