"""The events view: panes, rows, filter line and detail."""
