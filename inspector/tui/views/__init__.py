"""The views of a session, one folder each. Tabs, keys, ``:view``, help and palette all follow from the list ``VIEWS``."""

from __future__ import annotations

from inspector.tui.views.conversation.conversation_view import ConversationView
from inspector.tui.views.events.events_view import EventsView
from inspector.tui.views.findings.findings_view import FindingsView
from inspector.tui.views.session.session_view import SessionView
from inspector.tui.views.sound.sound_view import SoundView
from inspector.tui.views.timeline.timeline_view import TimelineView
from inspector.tui.views.turns.turns_view import TurnsView
from inspector.tui.views.usage.usage_view import UsageView
from inspector.tui.views.view import View

VIEWS: tuple[type[View], ...] = (
    EventsView,
    ConversationView,
    SessionView,
    TimelineView,
    TurnsView,
    FindingsView,
    UsageView,
    SoundView,
)
"""The views in the order of their tabs. The first is shown at the start; the others import their widgets when mounted."""
