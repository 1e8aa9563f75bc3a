"""Cards as evidence of presence: a number that is printed, and a secret that is not."""
