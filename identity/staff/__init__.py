"""Officials: what a person may do for a department, and dangerous acts that need a second one."""
