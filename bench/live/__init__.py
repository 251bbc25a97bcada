"""From commit to browser: Parley's pages beside a bare broadcast and stock `group_send`."""
