"""What presence asks about terminals: the key one holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.db import session
from identity.devices.models import Device


class DeviceKeys:
    """The core's `TerminalKeys`."""

    def public_jwk(self, terminal: str) -> Mapping[str, Any] | None:
        """Return an active terminal's public P-256 key, or None."""
        return session().scalar(select(Device.public_jwk).where(Device.id == terminal, Device.state == "active"))
