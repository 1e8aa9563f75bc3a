"""Persons and organisations, and the pairwise ids by which others know them."""
