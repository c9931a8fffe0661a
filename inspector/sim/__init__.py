"""A Realtime server without sockets, pure and clock-driven."""
