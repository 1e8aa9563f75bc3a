"""Messages from the city to a citizen."""
