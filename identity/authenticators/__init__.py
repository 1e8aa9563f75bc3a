"""What proves an account is used by its owner."""
