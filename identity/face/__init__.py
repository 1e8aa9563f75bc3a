"""Face as evidence of presence: engine, template vault, enrolment, and the presence provider."""
