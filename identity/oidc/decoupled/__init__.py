"""Requests that a person decides on another device: device grant (RFC 8628) and CIBA by polling."""
