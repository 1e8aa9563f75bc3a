"""A vendor's or the nation's face gateway in place of the bundled engine, over HTTP."""
