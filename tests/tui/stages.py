"""Scenes of every view and state of the screen, the same in every run: for the snapshots, and for looking at.

python tests/tui/stages.py FOLDER [NAME]     draws them as SVG at 80x24, 120x40 and 200x60
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList, TextArea
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from inspector.audio import device
from inspector.audio.portaudio import INSTALL
from inspector.cli.launch import ON_SCREEN, SessionLauncher
from inspector.config import load_settings
from inspector.core.event import Direction
from inspector.core.units import NS_PER_MS
from inspector.engine.live_engine import Engine
from inspector.engine.replay import Replay
from inspector.engine.session_sound import SessionSound
from inspector.engine.sound_places import NO_SOUND, SoundOptions
from inspector.engine.task_supervisor import TaskSupervisor
from inspector.errors import ConnectError, DeviceError
from inspector.folders import Folders
from inspector.recording.opening import open_recording
from inspector.recording.writer import RecordingFile
from inspector.sources.base import Handshake
from inspector.tui.app import InspectorApp
from inspector.tui.common.glyphs import UNICODE
from inspector.tui.common.view_tabs import ViewTabs
from inspector.tui.home.home_screen import HomeScreen
from inspector.tui.home.launching import HomeWords
from inspector.tui.proxy.proxy_screen import ProxyScreen
from inspector.tui.session.live_workspace import session_workspace
from inspector.tui.session.replay_workspace import replay_workspace
from inspector.tui.workspace.workspace import Workspace
from tests.billed import clock_in_the_instructions, write_recording
from tests.detected import talk
from tests.linted import colliding_requests
from tests.proxy_stage import proxied
from tests.sources.loopback import websocket_server
from tests.support import FakeSource, ManualClock
from tests.tui.pacing import pace, tick
from tests.turned import write_turned

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "sessions" / "example-truncated-answer.jsonl"
TOOL_CALL = ROOT / "sessions" / "example-tool-call.jsonl"
SIZES = ((80, 24), (120, 40))
LARGE = (200, 60)
MAX_ROUNDS = 40
"""Ticks after which a screen counts as drawn even if it keeps changing."""
SESSION: Mapping[str, Any] = {
    "id": "sess_1",
    "type": "realtime",
    "model": "gpt-realtime",
    "output_modalities": ["audio"],
    "instructions": "You are a helpful voice agent for an airline.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "turn_detection": {"type": "server_vad", "threshold": 0.5},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy", "speed": 1.0},
    },
    "tools": [],
}
CONFIG = """
[profiles.work]
provider = "azure"
url = "https://res.openai.azure.com"
model = "my-deployment"
key_env = "WORK_KEY"
session = "support.json"
[profiles.rehearsal]
url = "sim"
dialect = "beta"
"""
Size = tuple[int, int]
_PORT = re.compile(r"127\.0\.0\.1:\d{5}")


class Slow(FakeSource):
    """A server that never answers."""

    async def connect(self) -> Handshake:
        await asyncio.Event().wait()
        raise AssertionError


class Resident(SessionLauncher):
    """A launcher whose folders have the same names on every machine."""

    def home_words(self) -> HomeWords:
        return HomeWords("./sessions", "~/.config/realtime-inspector/config.toml")


class Stage:
    """One screen, and what a scene needs to prepare it."""

    def __init__(
        self, pilot: Pilot[int], clock: ManualClock, source: FakeSource | None = None
    ) -> None:
        self.pilot, self.clock, self.source = pilot, clock, source

    @property
    def screen(self) -> Screen[Any]:
        return self.pilot.app.screen

    async def press(self, *keys: str) -> None:
        await self.settle()
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        await self.pilot.press(*text)
        await self.settle()

    async def say(self, ms: float, name: str, /, **members: Any) -> None:
        """Let the server send an event, ``ms`` after the previous one."""
        assert self.source is not None
        self.clock.advance(ms)
        self.source.say(name, **members)
        await self.pilot.pause()

    async def settle(self) -> None:
        """Wait until nothing changes any more, with all cursors steady."""
        self._keep_cursors()
        await self.pilot.pause()
        before = ""
        for _ in range(MAX_ROUNDS):
            tick(self.screen)
            await self.pilot.pause()
            now = picture(self.pilot.app)
            if now == before:
                return
            before = now

    def _keep_cursors(self) -> None:
        """Stop cursors from blinking; at once, since Textual 8.2.8 caches a line that was drawn without its cursor."""
        for editor in self.screen.query(TextArea):
            editor.cursor_blink = False
        for line in self.screen.query(Input):
            line.cursor_blink = False


Scene = Callable[[Stage], Awaitable[None]]
Setting = Callable[[Size, Scene], Coroutine[Any, Any, None]]


def picture(app: Any) -> str:
    """Return the characters on the screen."""
    strips = app.screen._compositor.render_strips()
    text = "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
    return still(text)


def still(text: str) -> str:
    """Return a text without what differs between runs: the state of a spinner, and the free port."""
    spinning = str.maketrans(dict.fromkeys(UNICODE.spinner, UNICODE.spinner[0]))
    return _PORT.sub("127.0.0.1:00000", text.translate(spinning))


async def show(
    screen: Screen[Any],
    size: Size,
    clock: ManualClock,
    scene: Scene,
    source: FakeSource | None = None,
) -> None:
    """Run a screen until the scene was inspected."""
    app = InspectorApp(screen)
    async with app.run_test(size=size) as pilot:
        stage = Stage(pilot, clock, source)
        await pilot.pause()
        await stage.settle()
        await scene(stage)


def live(
    *,
    refusal: ConnectError | None = None,
    is_slow: bool = False,
    sound: SoundOptions | None = None,
    session: Mapping[str, Any] | None = None,
) -> Setting:
    async def setting(size: Size, scene: Scene) -> None:
        clock = ManualClock()
        source = Slow() if is_slow else FakeSource()
        source.refusal = refusal
        with tempfile.TemporaryDirectory() as folder:
            recording = RecordingFile(Path(folder) / "2026-11-20-barge-in.jsonl", clock)
            engine = Engine(source, recording, clock, strict=True)
            if sound is not None:
                engine.sound = SessionSound(engine, sound)
            async with TaskSupervisor() as host:
                if refusal is None and not is_slow:
                    source.say("session.created", session=session or SESSION)
                await show(session_workspace(host, engine, UNICODE), size, clock, scene, source)
                if engine.can_send:
                    source.hang_up()
                else:
                    await host.stop(engine)
            recording.close()

    return setting


def replayed(path: Path) -> Setting:
    async def setting(size: Size, scene: Scene) -> None:
        clock = ManualClock()
        replay = Replay(open_recording(path, clock), clock)
        await show(replay_workspace(replay, UNICODE), size, clock, scene)
        replay.close()

    return setting


async def lesson(size: Size, scene: Scene) -> None:
    """Replay a lesson whose instructions begin with the time, so that nothing of it is ever cached."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_recording(Path(folder) / "lesson.jsonl", clock_in_the_instructions())
        await replayed(path)(size, scene)


async def waited(size: Size, scene: Scene) -> None:
    """Replay a session in which the user waits for a setting, for a tool, and speaks over an answer."""
    with tempfile.TemporaryDirectory() as folder:
        await replayed(write_turned(Path(folder) / "turned.jsonl"))(size, scene)


async def turn_by_turn(stage: Stage) -> None:
    """Show the turns at the end, all measured at once, with the slow one selected."""
    await stage.press("G", "end", "5")
    screen = stage.screen
    assert isinstance(screen, Workspace)
    screen.model.latency.step(screen.state, lambda: False)
    screen.current.refresh()
    await stage.press("g", "down", "down")


async def talked(size: Size, scene: Scene) -> None:
    """Replay sentences of which the server detected all but the last, and listen by loudness on every machine."""
    detectors = "inspector.sources.speech.detectors.installed_detectors"
    with tempfile.TemporaryDirectory() as folder, mock.patch(detectors, return_value=["energy"]):
        path = write_recording(Path(folder) / "talk.jsonl", talk(sentences=6, turns=5))
        await replayed(path)(size, scene)


async def tool_rounds(size: Size, scene: Scene) -> None:
    """Replay a session whose requests for an answer collide, and whose tool calls stay unanswered."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_recording(Path(folder) / "tools.jsonl", colliding_requests())
        await replayed(path)(size, scene)


async def huge(size: Size, scene: Scene) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "huge.jsonl"
        head, *lines = TOOL_CALL.read_bytes().splitlines(keepends=True)
        path.write_bytes(head + b"".join(lines) * 400)
        await replayed(path)(size, scene)


def home(*, is_filled: bool) -> Setting:
    async def setting(size: Size, scene: Scene) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder, config = Path(name), Path(name) / "config.toml"
            sessions = folder / "sessions"
            sessions.mkdir()
            if is_filled:
                config.write_text(CONFIG)
                for at, (stem, data) in enumerate(
                    (
                        ("2026-11-20T09-12-00-sim-gpt-realtime", EXAMPLE.read_bytes()),
                        ("empty", b""),
                        ("2026-11-20T10-40-31-live-gpt-realtime-2.1", TOOL_CALL.read_bytes()),
                        ("notes", b"not JSON lines\n"),
                    )
                ):
                    path = sessions / f"{stem}.jsonl"
                    path.write_bytes(data)
                    os.utime(path, (at, at))
            folders = Folders(sessions, config, folder, folder, folder, folder)
            clock = ManualClock()
            launch = Resident(load_settings({}, {}, config), folders, {}, clock)
            async with TaskSupervisor() as host:
                await show(HomeScreen(host, launch, UNICODE), size, clock, scene)

    return setting


async def _greet(connection: ServerConnection) -> None:
    await connection.send('{"type":"session.created","session":{"model":"gpt-realtime"}}')
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connection.recv()


async def proxy(size: Size, scene: Scene) -> None:
    await proxy_with(size, scene)


async def proxy_without_app(size: Size, scene: Scene) -> None:
    clock = ManualClock()
    async with (
        websocket_server(_greet) as server,
        proxied(server, clock=clock) as stage,
    ):
        await show(ProxyScreen(stage.proxy, UNICODE), size, clock, scene)


async def proxy_holding(size: Size, scene: Scene) -> None:
    ask = '{"type":"response.create","response":{"instructions":"Say hello."}}'
    behind = '{"type":"input_audio_buffer.clear"}'
    await proxy_with(size, scene, ask, behind)


async def proxy_with(size: Size, scene: Scene, *frames: str) -> None:
    """Let an app send frames, the first of which is held."""
    clock = ManualClock()
    async with (
        websocket_server(_greet) as server,
        proxied(server, clock=clock) as stage,
        stage.app(user_agent_header="my-app/1") as app,
    ):
        await app.recv()
        # Frames are logged right after they have gone on.
        await stage.until(lambda: "session.created" in stage.types())
        if frames:
            stage.session.breakpoints.arm("type:response.create", Direction.CLIENT)
        for frame in frames:
            clock.advance(1500)
            await app.send(frame)
            before = len(stage.session.breakpoints.waiting)
            await stage.until(lambda: len(stage.session.breakpoints.waiting) > before)  # noqa: B023 - waited for at once
        await show(ProxyScreen(stage.proxy, UNICODE), size, clock, scene)
        stage.session.breakpoints.resume()


async def answer(stage: Stage) -> None:
    """Let the user ask, and the model start to answer."""
    item = {
        "id": "item_1",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Is it foggy?"}],
    }
    await stage.say(1200, "conversation.item.added", previous_item_id=None, item=item)
    await stage.say(300, "response.created", response={"id": "resp_1", "status": "in_progress"})
    where = {"response_id": "resp_1", "item_id": "item_2", "output_index": 0, "content_index": 0}
    reply = {
        "id": "item_2",
        "type": "message",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    await stage.say(
        20, "response.output_item.added", response_id="resp_1", output_index=0, item=reply
    )
    await stage.say(5, "conversation.item.added", previous_item_id="item_1", item=reply)
    for word in ("It", " is", " foggy"):
        await stage.say(40, "response.output_audio_transcript.delta", **where, delta=word)
        await stage.say(5, "response.output_audio.delta", **where, delta="A" * 6400)


async def heard(stage: Stage) -> None:
    """Let 200 ms of an answer be heard, no matter when the speaker began."""
    await answer(stage)
    screen = stage.screen
    assert isinstance(screen, Workspace)
    log = screen.event_log
    while "inspector.playing" not in (types := [log.type_of(row) for row in range(len(log))]):
        await stage.pilot.pause(0.01)
    stage.clock.ns = log.event(types.index("inspector.playing")).stamp_ns + 200 * NS_PER_MS


async def translated(stage: Stage) -> None:
    """Let the user speak, and the server translate."""
    for ms, side, words in (
        (1000, "input", "Good morning,"),
        (300, "input", " is this the way to the station?"),
        (200, "output", "Buenos días, ¿es este"),
        (250, "output", " el camino a la estación?"),
        (400, "input", " I have a train to catch in ten minutes, and two heavy bags."),
        (300, "output", " Tengo que tomar un tren"),
    ):
        await stage.say(ms, f"session.{side}_transcript.delta", delta=words)
    await stage.say(50, "session.output_audio.delta", delta="A" * 64000)
    await stage.press("2")


def asking(item: Mapping[str, Any], *keys: str) -> Scene:
    """Let the model call a function or ask for an approval, and the user answer."""

    async def scene(stage: Stage) -> None:
        await stage.say(1000, "conversation.item.added", previous_item_id=None, item=item)
        await stage.press(*keys)

    return scene


def without_portaudio(setting: Setting) -> Setting:
    """Run as on a machine without a sound card."""

    def missing() -> None:
        raise DeviceError("no PortAudio", hint=INSTALL, code="no_portaudio")

    async def quiet(size: Size, scene: Scene) -> None:
        with mock.patch.object(device, "portaudio", missing):
            await setting(size, scene)

    return quiet


async def refused(stage: Stage) -> None:
    await answer(stage)
    error = {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "Invalid value: 'X'.",
        "param": "session.audio.output.voice",
    }
    await stage.say(100, "error", error=error)
    await stage.press("e")


async def lost(stage: Stage) -> None:
    await answer(stage)
    assert stage.source is not None
    stage.source.hang_up(1006, "")
    await stage.settle()


async def closed(stage: Stage) -> None:
    await answer(stage)
    assert stage.source is not None
    stage.source.hang_up(1001, "session_expired")
    await stage.settle()


def pressing(*keys: str) -> Scene:
    async def scene(stage: Stage) -> None:
        await stage.press(*keys)

    return scene


async def devices(stage: Stage) -> None:
    """Open the dialog, and wait for its meters: they are drawn by a timer of its own."""
    await stage.press("A")
    while picture(stage.pilot.app).count("dBFS") < len(("mic", "out")):
        await stage.pilot.pause(0.01)


def typing(key: str, text: str, *keys: str) -> Scene:
    async def scene(stage: Stage) -> None:
        await stage.press(key)
        await stage.type(text)
        await stage.press(*keys)

    return scene


async def searched(stage: Stage) -> None:
    """Search the palette, which gathers for a quarter of a second what it finds."""
    await stage.press("ctrl+p")
    await stage.type("copy")
    found = stage.screen.query_one("CommandList", OptionList)
    while not found.option_count:
        await stage.pilot.pause(0.02)


async def unhurried(stage: Stage) -> None:
    """Wait for background reading."""
    for _ in range(10):
        await stage.settle()


async def found(stage: Stage) -> None:
    """Show the findings at the end of a recording, once they are collected."""
    await stage.press("G", "6")
    await unhurried(stage)


SILENT = SoundOptions(NO_SOUND, NO_SOUND)
REFUSAL = ConnectError(
    "the server refused the connection: HTTP 401",
    code="no_key",
    hint="check the key in OPENAI_API_KEY",
)
TRANSLATION: Mapping[str, Any] = {
    "id": "sess_1",
    "type": "translation",
    "model": "gpt-realtime-translate",
    "audio": {"input": {"transcription": {"model": "whisper-1"}}, "output": {"language": "es"}},
}
CALL: Mapping[str, Any] = {
    "id": "item_1",
    "type": "function_call",
    "status": "completed",
    "name": "get_weather",
    "call_id": "call_1",
    "arguments": '{"city":"Paris"}',
}
APPROVAL: Mapping[str, Any] = {
    "id": "item_1",
    "type": "mcp_approval_request",
    "server_label": "docs",
    "name": "search",
    "arguments": '{"query":"fog"}',
}
SMALL = SIZES[:1]
VIEW = ("#views",)
STATE = ("#header", "#meters", "#views", "#actions", "#hint")
"""What tells of a session: all but the line of tabs and the last one."""
EDITOR = ("#views", "#send", "#actions", "#hint", "Footer")


class Play(NamedTuple):
    """What is played, and what of it a snapshot keeps."""

    setting: Setting
    scene: Scene
    parts: tuple[str, ...] = ()
    """Selectors of the widgets that are kept; none for the whole screen. What another tab would change is kept once."""
    sizes: Sequence[Size] = SIZES
    """Those at which it looks different in a way that matters."""


STAGES: Mapping[str, Play] = {
    "home-empty": Play(home(is_filled=False), pressing()),
    "home-filled": Play(home(is_filled=True), unhurried),
    "home-live": Play(home(is_filled=False), pressing("l"), ("#dialog",), SMALL),
    "home-help": Play(home(is_filled=False), pressing("question_mark"), ("#help",), SMALL),
    "themes": Play(home(is_filled=False), pressing("f2"), ("#themes",), SMALL),
    "usage": Play(lesson, pressing("G", "7"), ("#usage",)),
    "sound": Play(talked, pressing("8", "down"), ("#sound",), SMALL),
    "vad-lab": Play(talked, pressing("8", "v", "minus", "minus", "minus", "down"), ("#sound",)),
    "turns": Play(waited, turn_by_turn, ("#turns",)),
    "turns-empty": Play(live(), pressing("5"), ("#turns",), SMALL),
    "findings": Play(tool_rounds, found, ("#findings",)),
    "verdict": Play(lesson, pressing("G"), ("#verdict",)),
    "session-connecting": Play(live(is_slow=True), pressing(), STATE, SMALL),
    "session-live": Play(live(), answer),
    "session-sound": Play(live(sound=SILENT), heard, ("#meters",)),
    "session-mute": Play(
        without_portaudio(live(sound=ON_SCREEN)), pressing("p"), ("#meters", "#hint"), SMALL
    ),
    "devices": Play(without_portaudio(live(sound=ON_SCREEN)), devices, ("Vertical",), SMALL),
    "session-refused": Play(live(refusal=REFUSAL), pressing(), STATE),
    "session-closed": Play(live(), closed, STATE, SMALL),
    "session-lost": Play(live(), lost, STATE, SMALL),
    "session-error": Play(live(), refused, STATE),
    "session-new": Play(live(), pressing(), STATE, SMALL),
    "send-editor": Play(live(), pressing("s"), EDITOR),
    "send-templates": Play(live(), pressing("s", "ctrl+t"), ("#send",), SMALL),
    "dialog-truncate": Play(live(), pressing("t"), ("#dialog",), SMALL),
    "form": Play(live(), pressing("u")),
    "events-split": Play(replayed(EXAMPLE), pressing("v", "g", "j", "j"), (*VIEW, "#transport")),
    "events-merged": Play(replayed(EXAMPLE), pressing("g", "j", "j"), VIEW),
    "events-filtered": Play(
        replayed(EXAMPLE), typing("slash", "type:response.*", "enter"), VIEW, SMALL
    ),
    "events-bad-filter": Play(
        replayed(EXAMPLE), typing("slash", "t>"), ("FilterLine", "#hint", "Footer"), SMALL
    ),
    "events-huge": Play(huge, pressing("G"), VIEW, SMALL),
    "detail": Play(replayed(EXAMPLE), pressing("g", "j", "j", "enter"), (*VIEW, "Footer")),
    "conversation": Play(replayed(EXAMPLE), pressing("G", "2"), VIEW),
    "conversation-tools": Play(replayed(TOOL_CALL), pressing("G", "2"), VIEW),
    "conversation-waiting": Play(live(), asking(CALL, "2"), (*VIEW, "#hint"), SMALL),
    "conversation-answer": Play(live(), asking(CALL, "2", "a"), EDITOR, SMALL),
    "conversation-approve": Play(live(), asking(APPROVAL, "2", "a"), ("#dialog",), SMALL),
    "conversation-translation": Play(live(session=TRANSLATION), translated, VIEW),
    "session-page": Play(replayed(EXAMPLE), pressing("G", "3"), VIEW),
    "timeline": Play(replayed(EXAMPLE), pressing("G", "4"), VIEW),
    "help": Play(replayed(EXAMPLE), pressing("question_mark"), ("#help",), SMALL),
    "palette": Play(replayed(EXAMPLE), searched, ("#--input", "CommandList"), SMALL),
    "command": Play(
        replayed(EXAMPLE), pressing("colon"), ("CommandLine", "#hint", "Footer"), SMALL
    ),
    "proxy": Play(proxy, pressing()),
    "proxy-session": Play(proxy, pressing("enter", "G"), (*STATE, "Footer")),
    "proxy-session-holding": Play(proxy_holding, pressing("enter", "G"), STATE, SMALL),
    "proxy-held": Play(proxy_holding, pressing("enter", "H")),
    "proxy-held-nothing": Play(proxy, pressing("enter", "H"), (), SMALL),
    "proxy-empty": Play(proxy_without_app, pressing(), (), SMALL),
}
"""Scenes by name: the screen, how to prepare it, and which parts are kept."""


TABS = ("events", "conversation", "session", "timeline")
"""Tabs that every scene of a session shows. Scenes show another view's tab only if they show the view, so a new one changes no other scene."""
_EVERY_WORD = ViewTabs.words


def _words_of_few(tabs: ViewTabs, current: str, beside: int = 0) -> str:
    shown = [view for view in tabs._views if view[1] in (*TABS, current)]
    return _EVERY_WORD(ViewTabs(shown, id="few"), current, beside)


async def capture(name: str, size: Size, take: Callable[[Any], None]) -> None:
    """Prepare a scene, and call ``look`` with its app."""
    setting, scene = STAGES[name][:2]

    async def posed(stage: Stage) -> None:
        await scene(stage)
        stage.pilot.app.clear_notifications()
        await stage.settle()
        take(stage.pilot.app)

    with mock.patch.object(ViewTabs, "words", _words_of_few):
        await setting(size, posed)


def main() -> None:
    """Draw scenes as SVG."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)

    def draw(app: Any) -> None:
        path = folder / f"{name}-{app.size.width}x{app.size.height}.svg"
        path.write_text(app.export_screenshot(), "utf-8")

    with pytest.MonkeyPatch.context() as patch:
        pace(patch)
        for name in sys.argv[2:] or STAGES:
            for size in (*SIZES, LARGE):
                asyncio.run(capture(name, size, draw))


if __name__ == "__main__":
    main()
