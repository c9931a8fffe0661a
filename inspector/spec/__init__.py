"""The Realtime API's event types, fields, limits and schema, as tables without logic."""
