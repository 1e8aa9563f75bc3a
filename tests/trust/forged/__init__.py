"""Forged, replayed and malformed credentials wherever one is taken, and verifiers that are broken on purpose."""
