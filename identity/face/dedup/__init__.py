"""Is somebody enrolled twice? The only search over all citizens: authorised by two officials, run as a job."""
