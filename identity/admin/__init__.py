"""Officials' say over persons, departments and the issuer's keys."""
