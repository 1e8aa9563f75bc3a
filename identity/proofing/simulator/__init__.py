"""The three outside registers, each played by a process of its own that can misbehave on purpose."""
