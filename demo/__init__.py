"""The demo world: invented citizens, pharmacies and medicines, and credited portraits."""
