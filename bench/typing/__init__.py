"""Agents typing: how soon the platform knows, what it costs, and whether deliveries suffer."""
