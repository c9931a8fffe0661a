"""The workspace around one session, live, replayed or proxied: layout, tick, header, hints, sound, transport."""
