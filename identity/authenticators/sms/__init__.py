"""Codes sent to a person's mobile through an operator."""
