"""The authorization server: OpenID Connect Core and OAuth 2.1."""
