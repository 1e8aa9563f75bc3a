"""Log-out asked for by clients, and clients told of it (OpenID Connect RP-Initiated and Back-Channel Logout 1.0)."""
