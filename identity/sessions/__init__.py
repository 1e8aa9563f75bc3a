"""Browser sessions, kept on the server."""
