"""One response as a state machine: what it may say, its items in order, and each way in which it can end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from inspector.sim.billing import MODEL_MS_PER_TOKEN, BilledTokens, Prompt
from inspector.sim.brain import Thought, TokenCount
from inspector.sim.faults import Phase
from inspector.sim.items import SimItem, snapshot
from inspector.sim.mcp import McpServers, McpTool
from inspector.sim.mcp_output import ApprovalOutput, McpCallOutput
from inspector.sim.output_items import CallOutput, MessageOutput, ResponsePart
from inspector.sim.response_request import ResponseRequest
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import POLL_MS, SessionContext
from inspector.sim.settings import NS_PER_MS
from inspector.sim.speech_recognizer import Failure

# Measured on gpt-realtime-2.1-mini from nearby.
CREATED_MS, THINK_MS, RATE_LIMITS_MS = 30, 300, 30
ANSWER_DEADLINE_MS = 7_000
"""How long an answer waits for the user's words to be recognised; then it does without."""


class SimResponse:
    """One response, from ``response.create`` to ``rate_limits.updated``."""

    def __init__(self, session_context: SessionContext, options: Json, servers: McpServers) -> None:
        """Take what the client asked for.

        Raises:
            Refusal: ``input`` names an item that does not exist, the voice is another one than was heard before, or
                the conversation does not fit and may not be cut.
        """
        self.id = session_context.ids.new("resp_")
        self.status = "in_progress"
        self.is_created = False
        """True once ``response.created`` was sent; before that nothing can be cancelled."""
        self.text_tokens = 0
        self.audio_ms = 0
        self.done_ns: int | None = None
        """When ``response.done`` was sent."""
        self._session_context = session_context
        self._servers = servers
        self._wanted = ResponseRequest(session_context, options)
        self._details: Json | None = None
        self._usage: Json | None = None
        self._output: list[Json] = []
        self._open: ResponsePart | None = None
        self._prompt = Prompt(())
        self._counted: TokenCount | None = None
        self._process: Process | None = None
        self._cut_short = ""
        """Why it is incomplete by a fault."""

    @property
    def is_out_of_band(self) -> bool:
        """Tell whether it is outside of the default conversation."""
        return self._wanted.is_out_of_band

    @property
    def audio_output(self) -> Json:
        """Return the settings of its sound, as under ``audio.output`` of a session."""
        return self._wanted.audio_output

    @property
    def output_count(self) -> int:
        """Return how many items it has put out."""
        return len(self._output)

    @property
    def is_active(self) -> bool:
        """Tell whether it has not ended."""
        return self.status == "in_progress"

    @property
    def is_spent(self) -> bool:
        """Tell whether ``max_output_tokens`` are used up."""
        limit = self._wanted.settings["max_output_tokens"]
        return isinstance(limit, int) and self._made.text + self._made.audio >= limit

    def start(self) -> None:
        """Begin it now."""
        self._process = self._run()
        self._session_context.schedule.start(self._process)

    def stop(self, reason: str) -> None:
        """End it before its time: ``client_cancelled`` or ``turn_detected``."""
        if self._process is not None:
            self._session_context.schedule.stop(self._process)
        if not self.is_created:
            self._create()
        self._close_part("incomplete")
        self._finish("cancelled", {"type": "cancelled", "reason": reason})
        self._session_context.schedule.start(self._rate_limits())

    def interrupt(self) -> None:
        """End it because the user speaks, if it has not ended by itself."""
        if self.is_active:
            self.stop("turn_detected")

    def break_off(self, status: str, *, failure: Failure | None = None, reason: str = "") -> None:
        """End it in its middle: ``failed`` with a failure, or ``incomplete`` for a reason."""
        if self._process is not None:
            self._session_context.schedule.stop(self._process)
        self._close_part("incomplete")
        self._cut_short = reason
        _, details = self._ending(failure)
        self._finish(status, details)
        self._session_context.schedule.start(self._rate_limits())

    def open_item(self, index: int, item: SimItem) -> None:
        """Announce an item."""
        emit = self._session_context.outbox.emit
        added = {"response_id": self.id, "output_index": index, "item": snapshot(item.wire)}
        emit("response.output_item.added", **added)
        if not self.is_out_of_band:
            previous = self._session_context.conversation.last_id()
            self._session_context.conversation.add(item)
            emit("conversation.item.added", previous_item_id=previous, item=snapshot(item.wire))

    def close_item(self, index: int, wire: Json) -> None:
        """Send an item as it was said, in its wire shape."""
        emit, wire = self._session_context.outbox.emit, snapshot(wire)
        if wire["id"] in self._session_context.conversation:
            previous = self._session_context.conversation.previous_when_done(wire["id"])
            emit("conversation.item.done", previous_item_id=previous, item=wire)
        emit("response.output_item.done", response_id=self.id, output_index=index, item=wire)
        self._output.append(wire)

    def _run(self) -> Process:
        yield self._session_context.settings.delay_ns(CREATED_MS)
        self._create()
        if not self.is_out_of_band:
            self._session_context.inject_soon(self._session_context.faults.take_all(Phase.NOW))
        yield self._session_context.settings.delay_ns(THINK_MS)
        items = self._wanted.items()
        for item in items:
            yield from self._session_context.heard(item, ANSWER_DEADLINE_MS)
        offered = self._servers.offered(self._wanted.tools)
        thought = self._session_context.brain.answer(self._wanted.context(items, offered))
        try:
            yield from self._tell(thought, items, offered)
        finally:  # however it ends, at the client's wish too: nobody wants the rest of the answer
            thought.cancel()
        yield from self._rate_limits()

    def _tell(self, thought: Thought, items: list[SimItem], offered: list[McpTool]) -> Process:
        yield from _until(partial(_has_begun, thought))
        answer = thought.so_far()
        self._session_context.inject_soon(answer.faults)
        cut_short = ""
        if self._session_context.faults.will_disturb():
            yield from _until(lambda: thought.so_far().is_complete)
            thought, cut_short = self._session_context.faults.disturbed(thought.so_far())
        self._cut_short = cut_short
        yield self._session_context.settings.delay_ns(answer.delay_ms)
        self._prompt = self._wanted.prompt(items)
        answer = thought.so_far()
        if answer.text or not (answer.calls or answer.failure):
            yield from self._put_out(self._message(thought), thought)
        yield from self._tell_calls(thought, offered)
        answer = thought.so_far()
        self._counted = answer.tokens
        self._finish(*self._ending(answer.failure))

    def _tell_calls(self, thought: Thought, offered: list[McpTool]) -> Process:
        count = 0
        while not self.is_spent:
            yield from _until(partial(_is_known, thought, count))
            if count >= len(thought.so_far().calls):
                return
            tool = self._mcp_tool(thought.so_far().calls[count].name, offered)
            if tool is not None:  # a server's tool is called with all of its arguments
                yield from _until(partial(_is_known, thought, count + 1))
            yield from self._put_out(self._call_part(thought, count, tool), thought)
            count += 1

    def _put_out(self, part: ResponsePart, thought: Thought) -> Process:
        """Send an output item to its end, which comes early where the answer fails or is cut short."""
        self._open = part
        yield from part.run()
        answer = thought.so_far()
        self._cut_short = self._cut_short or answer.cut_short
        is_broken = answer.failure is not None
        is_cut = self.is_spent or bool(self._cut_short) or is_broken
        self._close_part("incomplete" if is_cut else "completed")

    def _create(self) -> None:
        self.is_created = True
        self._session_context.outbox.emit("response.created", response=self._wire())

    def _message(self, thought: Thought) -> MessageOutput:
        def words() -> tuple[str, bool]:
            answer = thought.so_far()
            return answer.text, answer.is_complete or bool(answer.calls)

        phase = "commentary" if thought.so_far().calls else "final_answer"
        return MessageOutput(
            self._session_context,
            self,
            0,
            words,
            is_spoken=self._wanted.settings["output_modalities"] == ["audio"],
            phase=phase if self._session_context.session.has_phases else "",
        )

    def _mcp_tool(self, name: str, offered: list[McpTool]) -> McpTool | None:
        """Return the tool of an MCP server that a call means; None where it is a function of the client's."""
        own = [tool for tool in self._wanted.tools if tool.get("type", "function") == "function"]
        tool = next((tool for tool in offered if tool.name == name), None)
        return None if any(function.get("name") == name for function in own) else tool

    def _call_part(self, thought: Thought, call: int, tool: McpTool | None) -> ResponsePart:
        index = len(self._output)
        if tool is None:
            name = thought.so_far().calls[call].name
            return CallOutput(
                self._session_context, self, index, name, partial(_arguments, thought, call)
            )
        arguments, _ = _arguments(thought, call)
        if tool.needs_approval:
            return ApprovalOutput(
                self._session_context, self, index, tool, arguments, self._servers
            )
        return McpCallOutput(self._session_context, self, index, tool, arguments)

    def _ending(self, failure: Failure | None) -> tuple[str, Json | None]:
        if failure is not None:
            error = {"type": failure.type, "code": failure.code, "message": failure.message}
            return "failed", {"type": "failed", "error": error}
        if self._cut_short:
            return "incomplete", {"type": "incomplete", "reason": self._cut_short}
        if self.is_spent:
            return "incomplete", {"type": "incomplete", "reason": "max_output_tokens"}
        return "completed", None

    def _close_part(self, status: str) -> None:
        part, self._open = self._open, None
        if part is not None:
            part.close(status)

    def _finish(self, status: str, details: Json | None) -> None:
        self.status, self._details = status, details
        self.done_ns = self._session_context.schedule.now_ns
        thought = self._wanted.reasoning_tokens() if self._output else None
        prompt = self._prompt if self._output else Prompt(())
        meter, counted = self._session_context.meter, self._counted
        self._usage = (
            meter.counted(counted) if counted else meter.usage(prompt, self._made, thought)
        )
        self._session_context.outbox.emit("response.done", response=self._wire())

    def _rate_limits(self) -> Process:
        yield self._session_context.settings.delay_ns(RATE_LIMITS_MS)
        self._session_context.outbox.emit(
            "rate_limits.updated", rate_limits=self._session_context.meter.rate_limits()
        )

    @property
    def _made(self) -> BilledTokens:
        return BilledTokens(self.text_tokens, self.audio_ms // MODEL_MS_PER_TOKEN)

    def _wire(self) -> Json:
        """Return the response object as the server sends it, in its key order."""
        wanted, output = self._wanted.settings, self.audio_output
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self._details,
            "output": self._output,
            "conversation_id": None
            if self.is_out_of_band
            else self._session_context.conversation_id,
            "output_modalities": wanted["output_modalities"],
            "max_output_tokens": wanted["max_output_tokens"],
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": self._usage,
            "metadata": self._wanted.metadata,
        }


def _until(is_so: Callable[[], bool]) -> Process:
    """Wait until something is so."""
    while not is_so():
        yield POLL_MS * NS_PER_MS


def _has_begun(thought: Thought) -> bool:
    answer = thought.so_far()
    return answer.is_complete or bool(answer.text or answer.calls)


def _is_known(thought: Thought, call: int) -> bool:
    """Tell whether it is known if there is a call of that number."""
    answer = thought.so_far()
    return answer.is_complete or call < len(answer.calls)


def _arguments(thought: Thought, call: int) -> tuple[str, bool]:
    """Return the arguments of a call as far as they are known, and whether that is all of them."""
    answer = thought.so_far()  # once: between two looks it may grow
    return answer.calls[call].arguments, answer.is_complete or call + 1 < len(answer.calls)
