"""China's identifiers as checked values: they parse strictly and never print themselves in full."""

from app.identifiers.area import AreaCode
from app.identifiers.credit_code import CreditCode
from app.identifiers.mobile import MobileNumber
from app.identifiers.resident_id import ResidentId
from app.identifiers.shape import BadIdentifier, Identifier
from app.identifiers.trace_code import TraceCode

__all__ = ["AreaCode", "BadIdentifier", "CreditCode", "Identifier", "MobileNumber", "ResidentId", "TraceCode"]
