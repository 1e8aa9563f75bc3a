"""Double-entry money in integer fen; the rules live in PostgreSQL."""
