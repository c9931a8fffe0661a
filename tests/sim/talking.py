"""Helpers to talk to the rules brain without a session, and tools for it."""

from __future__ import annotations

from inspector.sim.brain import Answer, BrainContext, ContextItem
from inspector.sim.rules.rules_brain import RulesBrain

ROLES = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}


def talk(*turns: str, instructions: str = "", **context: object) -> Answer:
    said = [ContextItem(ROLES[turn[0]], turn[2:]) for turn in turns]
    return RulesBrain().answer(BrainContext(instructions, said, **context))  # type: ignore[arg-type] # by name


STRING = {"type": "string"}


def tool(name: str, description: str, /, **properties: object) -> dict[str, object]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


WEATHER = tool("get_weather", "Get the current weather for a location.", location=STRING)
TIME = tool("get_current_time", "Get the current time in a city", city=STRING)
ADD = tool("add", "Adds two numbers", a={"type": "number"}, b={"type": "number"})
MAIL = tool("send_email", "Send an email to a person", to=STRING, body=STRING)
ORDER = tool("lookup_order", "Look up an order by its id", order_id=STRING)
TABLE = tool(
    "book_table",
    "Reserve a table at a restaurant",
    name=STRING,
    people={"type": "integer"},
    date=STRING,
    time=STRING,
)
LIGHT = tool(
    "set_light",
    "Turn a light on or off",
    room={"type": "string", "enum": ["kitchen", "living_room"]},
    on={"type": "boolean"},
)
SEARCH = tool("search_web", "Search the web", query=STRING)
HANG_UP = tool("end_call", "End the call when the user says goodbye")
DICE = tool("roll_dice", "Roll dice", sides={"type": "integer", "default": 6})
TOOLS = [WEATHER, TIME, ADD, MAIL, ORDER, TABLE, LIGHT, SEARCH, HANG_UP, DICE]
