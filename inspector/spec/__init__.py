"""What the Realtime API says, as tables and a generated schema; no logic."""
