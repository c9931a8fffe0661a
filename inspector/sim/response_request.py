"""The request of one response: the options of ``response.create`` on top of the session's settings."""

from __future__ import annotations

from inspector.sim.billing import Prompt, prompt_of, reasoning_tokens
from inspector.sim.brain import BrainContext
from inspector.sim.context import budget_of, input_limit
from inspector.sim.items import SimItem, from_client
from inspector.sim.mcp import McpTool
from inspector.sim.refusals import context_full, no_such_reference
from inspector.sim.server_outbox import Json
from inspector.sim.session_context import SessionContext


class ResponseRequest:
    """The settings, input and tools of one response."""

    def __init__(self, session_context: SessionContext, options: Json) -> None:
        """Merge the options into the session's settings.

        Raises:
            ApiRefusal: ``input`` refers to an unknown item, the voice differs from existing audio, or the conversation
                exceeds the context window while truncation is disabled.
        """
        own = {name: value for name, value in options.items() if value is not None}
        self.settings: Json = {**session_context.session.object, **own}
        """A snapshot: a ``session.update`` affects the next response, not this one."""
        self.audio_output: Json = {
            **session_context.session.output,
            **own.get("audio", {}).get("output", {}),
        }
        self.metadata = own.get("metadata")
        self._order = str(own.get("instructions") or "")
        self._session_context = session_context
        self._input = self._given_input()
        if not self.is_out_of_band:
            session_context.session.check_voice(own)
        self._check_context()

    @property
    def is_out_of_band(self) -> bool:
        """Return True if the response is outside of the default conversation."""
        return self.settings.get("conversation") == "none"

    @property
    def tools(self) -> list[Json]:
        """Return the tools as the client declared them."""
        tools = self.settings["tools"]
        return tools if isinstance(tools, list) else []

    def items(self) -> list[SimItem]:
        """Return the items to answer: the ``input`` of the response, or the part of the conversation that fits now."""
        if self._input is not None:
            return self._input
        every = self._session_context.conversation.items()
        return self._session_context.context.fit(every, self.settings["truncation"], self._budget)

    def prompt(self, items: list[SimItem]) -> Prompt:
        """Return the prompt that is billed for some items."""
        return prompt_of(str(self.settings["instructions"]), self.tools, items)

    def reasoning_tokens(self) -> int | None:
        """Return the reasoning tokens of the response; None for a model that does not report them."""
        reasoning = self.settings.get("reasoning")
        effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
        return reasoning_tokens(str(self.settings["model"]), str(effort or "low"))

    def context(self, items: list[SimItem], mcp_tools: list[McpTool]) -> BrainContext:
        """Return the input of the brain; ``mcp_tools`` are the tools of MCP servers."""
        choice, tools = self.settings["tool_choice"], self.tools
        limit = self.settings["max_output_tokens"]
        # A brain knows functions only: translate a choice of an MCP server, or of one of its tools.
        if isinstance(choice, dict) and choice.get("type") == "mcp":
            mcp_tools = [
                tool
                for tool in mcp_tools
                if tool.label == choice.get("server_label")
                and choice.get("name") in (None, tool.name)
            ]
            choice, tools = "required", []
        return BrainContext(
            str(self.settings["instructions"] or ""),
            [self._session_context.context_item(item) for item in items],
            [*tools, *(tool.as_function() for tool in mcp_tools)],
            choice if isinstance(choice, str | dict) else "auto",
            order=self._order,
            may_call_in_parallel=self.settings.get("parallel_tool_calls") is not False,
            max_output_tokens=limit if isinstance(limit, int) else None,
            temperature=self._session_context.dialect.temperature,
        )

    @property
    def _budget(self) -> int:
        fixed = self.prompt([])
        return budget_of(
            str(self.settings["model"]), self.settings["truncation"], fixed.tokens.total
        )

    def _check_context(self) -> None:
        if self.settings["truncation"] != "disabled":
            return
        items = self._session_context.conversation.items() if self._input is None else self._input
        over = self._session_context.context.overflow(items, self._budget)
        if over:
            limit = input_limit(str(self.settings["model"]))
            raise context_full(limit + over, limit)

    def _given_input(self) -> list[SimItem] | None:
        if "input" not in self.settings:
            return None
        return [
            self._referenced(index, entry)
            if entry.get("type") == "item_reference"
            else from_client(entry, self._session_context.ids)
            for index, entry in enumerate(self.settings["input"])
        ]

    def _referenced(self, index: int, entry: Json) -> SimItem:
        item = self._session_context.conversation.find(str(entry["id"]))
        if item is None:
            raise no_such_reference(index, str(entry["id"]))
        return item
