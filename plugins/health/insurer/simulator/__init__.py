"""The insurer played on this machine: a process and a database of its own, able to misbehave on purpose."""
