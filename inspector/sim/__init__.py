"""A Realtime server without sockets, pure and clock-driven: frames and times in, timed frames out.

``server`` is the way in. ``listener`` makes items of the user's audio (``buffer``, ``vad``), ``responder`` begins and ends
each ``response``, whose items are in ``output``. What thinks, speaks, hears and detects can be exchanged: ``brain`` (``rules``
is the usual one), ``voice``, ``recognizer``, ``vad``. What a server refuses is in ``admission``, ``checks``, ``refusals`` and ``fatal``; how other providers say all this,
in ``dialects``. ``provider`` is a whole server: its sessions, and what comes over plain HTTP. ``recorded`` plays a recording instead.
"""
