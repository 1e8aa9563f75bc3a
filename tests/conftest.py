"""All tests stand on the kit that plugins use, too."""

pytest_plugins = ["app.testing"]
