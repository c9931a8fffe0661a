"""The simulated Realtime server: a pure state machine that takes frames and times and returns timed frames.

Start reading at ``server``. ``input_pipeline`` turns the user's audio into items (``buffer``, ``vad``, ``transcription``);
``responder`` starts and ends each ``response``, whose output items are in ``output_items``. Four parts can be replaced:
``brain`` (``rules`` by default), ``voice``, ``speech_recognizer`` and the speech detector of ``vad``. Refusals are in
``connect_request`` and ``fatal`` (connections) and in ``value_checks`` and ``refusals`` (events). ``dialects`` translates to
the protocols of other providers. ``provider`` is a whole server, with its HTTP endpoints; ``recorded_server`` plays back a
recording instead of simulating.

Nothing here opens a socket, reads a clock or uses global randomness, so a seed and a list of frames reproduce a run exactly.
"""
