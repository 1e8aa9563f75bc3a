"""The staff's own eyes as evidence of presence: two officials, each alone, looked at a person and a document."""
