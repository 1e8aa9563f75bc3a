"""A virtual authenticator in the browser (CDP WebAuthn): discoverable passkeys with user verification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

_OPTIONS = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


class Authenticator:
    """What unlocks by fingerprint on this device."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        made: dict[str, Any] = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": _OPTIONS})
        self._id = made["authenticatorId"]

    def held(self) -> list[dict[str, Any]]:
        """Return the passkeys on it."""
        found: list[dict[str, Any]] = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._id})[
            "credentials"
        ]
        return found

    def take(self, credential: dict[str, Any]) -> None:
        """Carry a passkey over from another device."""
        self._cdp.send("WebAuthn.addCredential", {"authenticatorId": self._id, "credential": credential})

    def refuse(self) -> None:
        """Let the person's finger not be recognised from now on."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": False})
