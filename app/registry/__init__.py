"""The plugin registry: find, check, rehearse, mount; a broken plugin is refused whole, the rest serves."""
