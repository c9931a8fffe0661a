"""How tests of the screen pass the time: by what is left to do, and never by waiting.

Textual's pilot waits 20 ms and more for each key, and then asks the processor whether anything was done meanwhile; and a screen
that ticks by itself does so more often on a busy machine than on an idle one. Here a wait ends when nothing is left to do,
and a screen ticks when its test says so.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import textual.app
import textual.pilot
from textual._compositor import Compositor
from textual._context import active_app
from textual.css.stylesheet import Stylesheet

from inspector.tui.common import dialog, meter
from inspector.tui.form import form_screen
from inspector.tui.proxy import paused_frames, proxy_screen
from inspector.tui.views.timeline import timeline, timeline_strips
from inspector.tui.workspace import workspace
from tests.support import ManualClock

TURNS = 3
"""Turns of the loop without work before it counts as idle: what comes over a socket of this process is there in the next one."""
PATIENCE_S = 10.0
THREAD_S = 0.0005
"""How long a thread that is at work is left alone with the processor."""
TICKS = (
    (workspace, "TICK_HZ"),
    (workspace, "FRAMES_HZ"),
    (form_screen, "TICK_HZ"),
    (proxy_screen, "TICK_HZ"),
    (paused_frames, "TICK_HZ"),
    (dialog, "UPDATES_HZ"),
)
NEVER_HZ = 1e-6
CLOCKED = (meter, timeline, timeline_strips)
"""What spares frames and words that could not be read, by the time since the last ones."""
WAITING = (
    "layout_required",
    "scroll_required",
    "repaint_required",
    "recompose_required",
    "dirty_widgets",
    "callbacks",
)
"""What a screen of Textual 8.2.8 keeps for its next frame."""

_PARSE_RULES = Stylesheet._parse_rules
_PARSED: dict[Any, list[Any]] = {}


class HurriedClock(ManualClock):
    """A clock by which a second passes from one look to the next, so that what waits for its time has never long to wait."""

    def now_ns(self) -> int:
        self.advance(1000)
        return super().now_ns()


def tick(screen: Any) -> None:
    """Let a screen do what it does by itself, several times a second: look at what is new, and paint what moves."""
    for name in ("tick", "_pull_frame"):
        getattr(screen, name, _nothing)()


def _nothing() -> None:
    """Do nothing: a screen without a clock."""


async def all_done(min_sleep: float = 0, max_sleep: float = PATIENCE_S) -> None:
    """Return when only time, a thread of its own, another process or a far end could bring work, and the screen is painted."""
    loop: Any = asyncio.get_running_loop()
    until_s = loop.time() + max_sleep
    quiet = 0
    while quiet < TURNS and loop.time() < until_s:
        is_busy = _is_at_work(loop._default_executor)
        await asyncio.sleep(THREAD_S if is_busy else 0)
        quiet = 0 if is_busy or loop._ready or _paint() else quiet + 1


def _is_at_work(executor: ThreadPoolExecutor | None) -> bool:
    return executor is not None and executor._idle_semaphore._value < len(executor._threads)


def _paint() -> bool:
    """Paint now what waits for the next frame; tell whether anything did."""
    app = active_app.get(None)
    if app is None or not app._screen_stack or app._batch_count or not app.screen.is_running:
        return False
    screen = app.screen
    waits = any(getattr(screen, f"_{name}") for name in WAITING)
    if waits:
        screen._on_timer_update()
    return waits


async def _wait_for_screen(_: object, timeout: float = PATIENCE_S) -> bool:
    await all_done(max_sleep=timeout)
    return True


def _unseen(compositor: Compositor, **_: Any) -> None:
    """Paint nothing: a pilot has no terminal, and what a test looks at it renders itself."""
    compositor._dirty_regions.clear()


def _parsed_once(stylesheet: Stylesheet, css: str, *place: Any, **options: Any) -> list[Any]:
    """Parse a style sheet with the same variables once for all apps; one app would keep it for itself."""
    variables = frozenset(stylesheet._variables.items())
    key = (css, place, frozenset(options.items()), variables)
    if key not in _PARSED:
        _PARSED[key] = _PARSE_RULES(stylesheet, css, *place, **options)
    return _PARSED[key]


def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pilots wait for what is left to do, and no screen tick by itself."""
    monkeypatch.setattr(textual.app, "wait_for_idle", all_done)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", all_done)
    monkeypatch.setattr(textual.pilot.Pilot, "_wait_for_screen", _wait_for_screen)
    monkeypatch.setattr(Compositor, "render_update", _unseen)
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parsed_once)
    clock = HurriedClock()
    for module in CLOCKED:
        monkeypatch.setattr(module, "SYSTEM_CLOCK", clock)
    for module, name in TICKS:
        monkeypatch.setattr(module, name, NEVER_HZ)
