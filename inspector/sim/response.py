"""One response as a state machine: its output items in order, and every way in which it can end.

It ends ``completed``, ``cancelled`` (``stop``), ``failed`` or ``incomplete``. Whatever ends it, the open item is closed
first, then follow ``response.done`` and ``rate_limits.updated``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from inspector.core.units import NS_PER_MS
from inspector.sim.billing import MODEL_MS_PER_TOKEN, Prompt, SimulatedTokens
from inspector.sim.brain import PendingAnswer, TokenCount
from inspector.sim.faults import Phase
from inspector.sim.items import SimItem, snapshot
from inspector.sim.mcp import McpServers, McpTool
from inspector.sim.mcp_output import ApprovalOutput, McpCallOutput
from inspector.sim.output_items import CallOutput, MessageOutput, ResponsePart
from inspector.sim.response_request import ResponseRequest
from inspector.sim.schedule import Process
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import POLL_MS, SessionContext
from inspector.sim.speech_recognizer import Failure

# Measured on gpt-realtime-2.1-mini over a short network path.
CREATED_MS, THINK_MS, RATE_LIMITS_MS = 30, 300, 30
ANSWER_DEADLINE_MS = 7_000
"""How long an answer waits for speech recognition before it is made without the user's words."""


class SimResponse:
    """One response, from ``response.create`` to ``rate_limits.updated``."""

    def __init__(self, session_context: SessionContext, options: Json, servers: McpServers) -> None:
        """Create a response that has not started.

        Raises:
            ApiRefusal: ``input`` refers to an unknown item, the voice differs from existing audio, or the conversation
                exceeds the context window while truncation is disabled.
        """
        self.id = session_context.ids.new("resp_")
        self.status = "in_progress"
        self.is_created = False
        """True once ``response.created`` was sent; before that a client cannot cancel the response."""
        self.text_tokens = 0
        self.audio_ms = 0
        self.done_ns: int | None = None
        """When ``response.done`` was sent."""
        self._session_context = session_context
        self._servers = servers
        self._request = ResponseRequest(session_context, options)
        self._details: Json | None = None
        self._usage: Json | None = None
        self._output: list[Json] = []
        self._open: ResponsePart | None = None
        self._prompt = Prompt(())
        self._reported: TokenCount | None = None
        """Usage as the model reported it, if it did."""
        self._process: Process | None = None
        self._cut_short = ""
        """Why a fault or the model made it incomplete; ``""`` otherwise."""

    @property
    def is_out_of_band(self) -> bool:
        """Return True if the response is outside of the default conversation."""
        return self._request.is_out_of_band

    @property
    def audio_output(self) -> Json:
        """Return the ``audio.output`` settings of this response."""
        return self._request.audio_output

    @property
    def output_count(self) -> int:
        """Return how many output items are finished."""
        return len(self._output)

    @property
    def is_active(self) -> bool:
        """Return True until the response has ended."""
        return self.status == "in_progress"

    @property
    def is_out_of_tokens(self) -> bool:
        """Return True if ``max_output_tokens`` are used up."""
        limit = self._request.settings["max_output_tokens"]
        tokens = self._output_tokens
        return isinstance(limit, int) and tokens.text + tokens.audio >= limit

    def start(self) -> None:
        """Start the response now."""
        self._process = self._run()
        self._session_context.schedule.start(self._process)

    def stop(self, reason: str) -> None:
        """Cancel the response; ``reason`` is ``client_cancelled`` or ``turn_detected``."""
        if self._process is not None:
            self._session_context.schedule.stop(self._process)
        if (
            not self.is_created
        ):  # speech may interrupt it this early; a ``done`` needs a ``created``
            self._create()
        self._close_part("incomplete")
        self._finish("cancelled", {"type": "cancelled", "reason": reason})
        self._session_context.schedule.start(self._rate_limits())

    def interrupt(self) -> None:
        """Cancel the response because the user speaks, unless it has ended meanwhile."""
        if self.is_active:
            self.stop("turn_detected")

    def abort(self, status: str, *, failure: Failure | None = None, reason: str = "") -> None:
        """End the response halfway: ``failed`` with a failure, or ``incomplete`` with a reason."""
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
        """Send the ``.done`` events of an item, given its wire shape."""
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
            self._session_context.inject_soon(self._session_context.faults.consume_all(Phase.NOW))
        yield self._session_context.settings.delay_ns(THINK_MS)
        items = self._request.items()
        for item in items:
            yield from self._session_context.wait_for_transcript(item, ANSWER_DEADLINE_MS)
        mcp_tools = self._servers.offered(self._request.tools)
        pending = self._session_context.brain.answer(self._request.context(items, mcp_tools))
        try:
            yield from self._send_answer(pending, items, mcp_tools)
        finally:  # also when the schedule closes this generator, which is how a response is cancelled
            pending.cancel()
        yield from self._rate_limits()

    def _send_answer(
        self, pending: PendingAnswer, items: list[SimItem], mcp_tools: list[McpTool]
    ) -> Process:
        yield from _until(partial(_has_output, pending))
        answer = pending.so_far()
        self._session_context.inject_soon(answer.faults)
        cut_short = ""
        if self._session_context.faults.needs_whole_answer():
            yield from _until(lambda: pending.so_far().is_complete)
            pending, cut_short = self._session_context.faults.applied_to(pending.so_far())
        self._cut_short = cut_short
        yield self._session_context.settings.delay_ns(answer.delay_ms)
        self._prompt = self._request.prompt(items)
        answer = pending.so_far()
        if answer.text or not (
            answer.calls or answer.failure
        ):  # an empty answer is an empty message
            yield from self._send_item(self._message(pending), pending)
        yield from self._send_calls(pending, mcp_tools)
        answer = pending.so_far()
        self._reported = answer.tokens
        self._finish(*self._ending(answer.failure))

    def _send_calls(self, pending: PendingAnswer, mcp_tools: list[McpTool]) -> Process:
        count = 0
        while not self.is_out_of_tokens:
            yield from _until(partial(_has_call_or_end, pending, count))
            if count >= len(pending.so_far().calls):
                return
            tool = self._mcp_tool(pending.so_far().calls[count].name, mcp_tools)
            if (
                tool is not None
            ):  # the server makes this call itself, and needs all arguments for it
                yield from _until(partial(_has_call_or_end, pending, count + 1))
            yield from self._send_item(self._call_part(pending, count, tool), pending)
            count += 1

    def _send_item(self, part: ResponsePart, pending: PendingAnswer) -> Process:
        """Send an output item; it is ``incomplete`` if the answer fails or is cut short."""
        self._open = part
        yield from part.run()
        answer = pending.so_far()
        self._cut_short = self._cut_short or answer.cut_short
        has_failed = answer.failure is not None
        is_incomplete = self.is_out_of_tokens or bool(self._cut_short) or has_failed
        self._close_part("incomplete" if is_incomplete else "completed")

    def _create(self) -> None:
        self.is_created = True
        self._session_context.outbox.emit("response.created", response=self._wire())

    def _message(self, pending: PendingAnswer) -> MessageOutput:
        def text() -> tuple[str, bool]:
            answer = pending.so_far()
            return answer.text, answer.is_complete or bool(answer.calls)

        phase = "commentary" if pending.so_far().calls else "final_answer"
        return MessageOutput(
            self._session_context,
            self,
            0,
            text,
            is_spoken=self._request.settings["output_modalities"] == ["audio"],
            phase=phase if self._session_context.session.has_phases else "",
        )

    def _mcp_tool(self, name: str, mcp_tools: list[McpTool]) -> McpTool | None:
        """Return the MCP tool with that name; None if the name is a function of the client, which takes precedence."""
        own = [tool for tool in self._request.tools if tool.get("type", "function") == "function"]
        tool = next((tool for tool in mcp_tools if tool.name == name), None)
        return None if any(function.get("name") == name for function in own) else tool

    def _call_part(self, pending: PendingAnswer, call: int, tool: McpTool | None) -> ResponsePart:
        index = len(self._output)
        if tool is None:
            name = pending.so_far().calls[call].name
            return CallOutput(
                self._session_context, self, index, name, partial(_arguments, pending, call)
            )
        arguments, _ = _arguments(pending, call)
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
        if self.is_out_of_tokens:
            return "incomplete", {"type": "incomplete", "reason": "max_output_tokens"}
        return "completed", None

    def _close_part(self, status: str) -> None:
        part, self._open = self._open, None
        if part is not None:
            part.close(status)

    def _finish(self, status: str, details: Json | None) -> None:
        self.status, self._details = status, details
        self.done_ns = self._session_context.schedule.now_ns
        # A response that ends before its first item has no usage.
        reasoning = self._request.reasoning_tokens() if self._output else None
        prompt = self._prompt if self._output else Prompt(())
        meter, reported = self._session_context.meter, self._reported
        self._usage = (
            meter.reported_usage(reported)
            if reported
            else meter.usage(prompt, self._output_tokens, reasoning)
        )
        self._session_context.outbox.emit("response.done", response=self._wire())

    def _rate_limits(self) -> Process:
        yield self._session_context.settings.delay_ns(RATE_LIMITS_MS)
        self._session_context.outbox.emit(
            "rate_limits.updated", rate_limits=self._session_context.meter.rate_limits()
        )

    @property
    def _output_tokens(self) -> SimulatedTokens:
        return SimulatedTokens(self.text_tokens, self.audio_ms // MODEL_MS_PER_TOKEN)

    def _wire(self) -> Json:
        """Return the response object as the server sends it, in its key order."""
        settings, output = self._request.settings, self.audio_output
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self._details,
            "output": self._output,
            "conversation_id": None
            if self.is_out_of_band
            else self._session_context.conversation_id,
            "output_modalities": settings["output_modalities"],
            "max_output_tokens": settings["max_output_tokens"],
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": self._usage,
            "metadata": self._request.metadata,
        }


def _until(condition: Callable[[], bool]) -> Process:
    """Poll until a condition holds."""
    while not condition():
        yield POLL_MS * NS_PER_MS


def _has_output(pending: PendingAnswer) -> bool:
    answer = pending.so_far()
    return answer.is_complete or bool(answer.text or answer.calls)


def _has_call_or_end(pending: PendingAnswer, call: int) -> bool:
    """Return True if the answer has a call with that index or is complete."""
    answer = pending.so_far()
    return answer.is_complete or call < len(answer.calls)


def _arguments(pending: PendingAnswer, call: int) -> tuple[str, bool]:
    """Return the arguments of a call that have arrived, and True once they are complete."""
    answer = pending.so_far()  # read once: it may grow between two reads
    return answer.calls[call].arguments, answer.is_complete or call + 1 < len(answer.calls)
