"""A person's say over their own data: consents, export, erasure."""
