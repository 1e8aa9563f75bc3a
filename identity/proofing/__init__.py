"""How sure the city is of a person: levels, the registers that raise them, and what lets them fall."""
