"""All that a plugin may import from the core, and nothing else.

`API_VERSION` is (major, minor): names are added in a minor version; one that
goes away warns for two minor versions and names its replacement.
"""

from flask_smorest import Blueprint

from app.authorization_details import BadDetail, DetailType, detail_types
from app.crypto import CannotOpen, blind_index, open_sealed, seal
from app.db import add, model_base, now, outside_wait, session, unit_of_work, work
from app.errors import Conflict, DomainError, InvalidRequest, NotAllowed, NotFound, TooManyRequests, Unavailable
from app.facade import certificates, ledger, notices, presence
from app.facade.auditing import record
from app.facade.settings import settings_of
from app.facade.subjects import demo_subject
from app.fields import Area, Credit, Fen, Instant, Mobile, Resident, Trace
from app.guards import Kind, Principal, acting_as, principal, public, require
from app.idempotency import idempotent, key_of_request
from app.identifiers import AreaCode, BadIdentifier, CreditCode, MobileNumber, ResidentId, TraceCode
from app.ids import is_id, new_id
from app.jobs import Job, Schedule
from app.outbox import enqueue
from app.pages.headers import allow_camera
from app.pages.ports import HomeCard, HomeRow, action_words, cards
from app.paging import Page, PageArgs, page, paged
from app.ports import Provider
from app.registry.contract import API_VERSION, HealthCheck, MenuEntry, Plugin, PluginSetting, Simulator
from app.text import Text
from app.token_grants import GrantCaller, Granted, GrantRefused, TokenGrant

__all__ = [
    "API_VERSION",
    "Area",
    "AreaCode",
    "BadDetail",
    "BadIdentifier",
    "Blueprint",
    "CannotOpen",
    "Conflict",
    "Credit",
    "CreditCode",
    "DetailType",
    "DomainError",
    "Fen",
    "GrantCaller",
    "GrantRefused",
    "Granted",
    "HealthCheck",
    "HomeCard",
    "HomeRow",
    "Instant",
    "InvalidRequest",
    "Job",
    "Kind",
    "MenuEntry",
    "Mobile",
    "MobileNumber",
    "NotAllowed",
    "NotFound",
    "Page",
    "PageArgs",
    "Plugin",
    "PluginSetting",
    "Principal",
    "Provider",
    "Resident",
    "ResidentId",
    "Schedule",
    "Simulator",
    "Text",
    "TokenGrant",
    "TooManyRequests",
    "Trace",
    "TraceCode",
    "Unavailable",
    "acting_as",
    "action_words",
    "add",
    "allow_camera",
    "blind_index",
    "cards",
    "certificates",
    "demo_subject",
    "detail_types",
    "enqueue",
    "idempotent",
    "is_id",
    "key_of_request",
    "ledger",
    "model_base",
    "new_id",
    "notices",
    "now",
    "open_sealed",
    "outside_wait",
    "page",
    "paged",
    "presence",
    "principal",
    "public",
    "record",
    "require",
    "seal",
    "session",
    "settings_of",
    "unit_of_work",
    "work",
]  # fmt: skip
