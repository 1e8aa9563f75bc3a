"""Passkeys: WebAuthn Level 3, discoverable credentials with user verification."""
