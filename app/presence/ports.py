"""What presence asks of others: who judges evidence, and which key a terminal holds.

`app.presence.terminal_keys`: exactly one `TerminalKeys` (identity's terminals).
`app.presence.providers`: one `PresenceProvider` per method; `code` is the core's own.
`app.presence.turns`: at most one `TurnReader`; without it no phone proves presence by its camera.
`app.presence.low_value`: purposes that head turns before a phone may serve; never one that moves money.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from app.ports import Port

Decision = Literal["matched", "not_matched", "retry", "use_alternative"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a terminal sent for one session; pictures live in memory only and are never shown."""

    method: str
    purpose: str
    place: str | None
    session: str = ""
    terminal: str = ""
    level: str = "none"
    claim: Mapping[str, str] = field(default_factory=dict, repr=False)
    frames: tuple[bytes, ...] = field(default=(), repr=False)
    code: str | None = field(default=None, repr=False)
    pin: str | None = field(default=None, repr=False)
    party: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A provider's decision; `reason` is a stable word, `party` is set only when matched."""

    decision: Decision
    reason: str
    party: str | None = None
    level: str = "none"


class PresenceProvider(Protocol):
    """Judges one kind of evidence. `needs_capture`: frames with a signed liveness statement."""

    needs_capture: bool

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the decision; never raises for evidence that merely does not fit."""


class TerminalKeys(Protocol):
    """Knows the public keys of enrolled terminals."""

    def public_jwk(self, terminal: str) -> Mapping[str, Any] | None:
        """Return an active terminal's public P-256 key, or None."""


class TurnReader(Protocol):
    """Reads from pictures how a head was turned."""

    def follows(self, frames: Sequence[bytes], turns: Sequence[str]) -> bool:
        """Tell whether picture by picture one head, always the same, was turned as asked."""


providers: Port[PresenceProvider] = Port("app.presence.providers")
terminal_keys: Port[TerminalKeys] = Port("app.presence.terminal_keys")
turns: Port[TurnReader] = Port("app.presence.turns")
low_value: Port[Collection[str]] = Port("app.presence.low_value")
