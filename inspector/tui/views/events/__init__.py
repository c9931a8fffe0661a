"""The events: panes, rows, filter line, detail."""
