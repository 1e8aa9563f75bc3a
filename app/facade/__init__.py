"""The core as plugins see it: subject ids instead of party ids, everything else unchanged."""
