"""Trusted e-certificates: declared types, issued, signed, held in a card pack, with a state."""
