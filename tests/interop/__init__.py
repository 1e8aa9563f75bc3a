"""Foreign libraries, unmodified, against the served city; configured by `suxin demo export` and nothing else."""
