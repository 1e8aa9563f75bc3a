"""The gateway played on this machine: it knows the demo world's citizens, and can be told to fail."""
