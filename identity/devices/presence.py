"""What presence asks about terminals: the key one holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.db import session
from identity.devices.models import Device
from identity.parties.models import Organisation


class DeviceKeys:
    """The core's `TerminalKeys`."""

    def public_jwk(self, terminal: str) -> Mapping[str, Any] | None:
        """Return an active terminal's public P-256 key, or None; its organisation must be active, too."""
        return session().scalar(
            select(Device.public_jwk)
            .join(Organisation, Organisation.id == Device.organisation_id)
            .where(Device.id == terminal, Device.state == "active", Organisation.state == "active")
        )
