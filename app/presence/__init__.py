"""Is the right person here, now? Sessions, evidence, one-use proofs; providers judge, alternatives always exist."""
