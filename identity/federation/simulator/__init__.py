"""A province's log-in provider, played on this machine in the demo; it can be told to misbehave."""
