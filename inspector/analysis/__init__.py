"""Pure analysis of events and session state: filters, summaries, conversation entries, waveforms, checks and the session form."""
