"""Terminals that hold a key."""
