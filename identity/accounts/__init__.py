"""Log-in accounts of persons."""
