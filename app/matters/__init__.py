"""The service catalogue: what the city offers, as rows loaded from declarations."""
