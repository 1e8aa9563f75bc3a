"""Plugins' programs register themselves with an invitation (RFC 7591) and look after their entry (RFC 7592)."""
