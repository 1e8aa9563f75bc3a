"""Schema versions: one environment for everybody, one version table in each owner's schema."""
