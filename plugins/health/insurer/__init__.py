"""The medical insurer as the city speaks of it; `national` speaks its wire format."""

from plugins.health.insurer.terms import (
    Desk,
    Entitlement,
    Insurer,
    Order,
    OrderLine,
    OutcomeUnknown,
    Refused,
    Settled,
    Split,
    Unreachable,
)

__all__ = [
    "Desk", "Entitlement", "Insurer", "Order", "OrderLine", "OutcomeUnknown", "Refused", "Settled", "Split",
    "Unreachable",
]  # fmt: skip
