"""Widgets: each knows one domain object, posts messages up, and never touches the app."""
