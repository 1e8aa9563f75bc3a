"""Back into an account whose ways in are lost, never below the level that was lost."""
