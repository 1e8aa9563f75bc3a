"""What the health plugin does; routes and jobs call nothing else."""
