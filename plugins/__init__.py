"""Scenario plugins, one folder each."""
