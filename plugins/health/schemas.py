"""What pharmacies and citizens send and get. Money is in fen, whole numbers only."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.api import Fen, PageArgs, paged

_CODE = validate.Regexp(r"[A-Z0-9]{6,40}\Z")
_PROOF = fields.String(
    required=True, validate=validate.Length(1, 60),
    metadata={"description": "The one-use proof of presence", "example": "proof_01k9tq3v5e7m9x2c4b6n8p0r2s"},
)  # fmt: skip


class MedicineQuery(PageArgs):
    q = fields.String(
        load_default=None, validate=validate.Length(1, 60), metadata={"description": "Part of a name, or a code"}
    )


class Medicine(Schema):
    code = fields.String()
    version = fields.Integer()
    name = fields.String()
    spec = fields.String()
    price_limit_fen = Fen()
    copay_basis_points = fields.Integer(metadata={"description": "The customer's own share, 1/100 of a per cent"})
    prescription = fields.Boolean()
    traced = fields.Boolean(metadata={"description": "Each pack's traceability code must be scanned"})


MedicinePage = paged(Medicine)


class EligibilityForm(Schema):
    proof = _PROOF


class Eligibility(Schema):
    eligible = fields.Boolean(metadata={"description": "Whether the insurance pays today"})
    scheme = fields.String(metadata={"description": "employee or resident"})


class QuoteLineForm(Schema):
    code = fields.String(required=True, validate=_CODE)
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 999))
    price_fen = Fen(required=True, validate=validate.Range(1, 100_000_000))
    trace_codes = fields.List(
        fields.String(validate=validate.Regexp(r"[0-9]{20}\Z")), load_default=list, validate=validate.Length(max=100),
        metadata={"description": "Drug traceability codes, 20 digits"},
    )  # fmt: skip


class QuoteForm(Schema):
    proof = _PROOF
    lines = fields.List(fields.Nested(QuoteLineForm), required=True, validate=validate.Length(1, 50))


class QuoteLine(Schema):
    code = fields.String()
    version = fields.Integer()
    name = fields.String()
    spec = fields.String()
    quantity = fields.Integer()
    price_fen = Fen()
    amount_fen = Fen()
    prescription = fields.Boolean()
    trace_codes = fields.List(fields.String())


class Quote(Schema):
    id = fields.String()
    proof = fields.String()
    lines = fields.List(fields.Nested(QuoteLine))
    total_fen = Fen()
    fund_fen = Fen(metadata={"description": "Paid by the pooled fund"})
    account_fen = Fen(metadata={"description": "Paid from the customer's personal account"})
    cash_fen = Fen(metadata={"description": "Paid by the customer in cash"})
    digest = fields.String(metadata={"description": "What the customer confirms: SHA-256 of the canonical quote, hex"})
    expires_at = fields.AwareDateTime(format="iso")


class SettlementForm(Schema):
    quote = fields.String(required=True, validate=validate.Length(1, 40))
    proof = _PROOF


class SettlementLine(Schema):
    code = fields.String()
    name = fields.String()
    quantity = fields.Integer()
    price_fen = Fen()
    amount_fen = Fen()


class Settlement(Schema):
    id = fields.String()
    state = fields.String(
        metadata={
            "description": "Open: submitted, unknown, reversing, undoing. Final: settled, refused, reversed, undone"
        }
    )
    reason = fields.String(allow_none=True)
    quote = fields.String()
    number = fields.String(allow_none=True, metadata={"description": "The insurer's number, once settled"})
    pharmacy = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(SettlementLine))
    total_fen = Fen()
    fund_fen = Fen()
    account_fen = Fen()
    cash_fen = Fen()
    created_at = fields.AwareDateTime(format="iso")
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)


class KeyQuery(Schema):
    key = fields.String(required=True, validate=validate.Length(1, 255))


SettlementPage = paged(Settlement)
