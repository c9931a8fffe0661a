"""The views of a session, one folder each. ``VIEWS`` is the one list: tabs, keys, ``:view``, help and palette follow from it."""

from __future__ import annotations

from inspector.tui.views.conversation.conversation_view import ConversationView
from inspector.tui.views.events.events_view import EventsView
from inspector.tui.views.session.session_view import SessionView
from inspector.tui.views.timeline.timeline_view import TimelineView
from inspector.tui.views.view import View

VIEWS: tuple[type[View], ...] = (EventsView, ConversationView, SessionView, TimelineView)
"""In the order of the tabs. The first is shown at the start; only its widget is imported with this list."""
