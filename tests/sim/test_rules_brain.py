"""The rules brain: orders, memory, sums and simple questions, in many wordings."""

from __future__ import annotations

import time

import pytest

from tests.sim.talking import TOOLS, talk


@pytest.mark.parametrize(
    ("instructions", "turns", "answer"),
    [
        (
            "",
            (
                "u:Please remember this code: BLUE-77",
                "a:ok",
                "u:What was the code? Reply with just the code.",
            ),
            "BLUE-77",
        ),
        (
            "",
            ("u:The code word is zebra", "a:OK", "u:Tell me the codeword, one word only."),
            "zebra",
        ),
        ("", ("u:What is 2 + 2? Answer with just the number.",), "4"),
        ("", ("u:Say exactly: hello world",), "hello world"),
        ("", ("u:Say 'hello' and nothing else.",), "hello"),
        ("", ("u:Repeat exactly the following sentence: Hello, world!",), "Hello, world!"),
        ("", ("u:Repeat after me: the quick brown fox",), "the quick brown fox"),
        ("", ("u:Reply with one word: ready",), "ready"),
        ("", ("u:Reply with just the word PONG",), "PONG"),
        ("", ("u:Respond with exactly the text 'test passed'.",), "test passed"),
        ("", ("u:Reply with the single word: pong",), "pong"),
        ("", ("u:Say hello in one word",), "hello"),
        ("", ("u:Say hello in Spanish.",), "Hola"),
        ("", ("u:What is the capital of France? Answer in one word.",), "Unknown"),
        ("Respond in uppercase.", ("u:say hello there",), "HELLO THERE"),
        ("When I say ping, reply pong.", ("u:ping",), "pong"),
        (
            "",
            (
                "u:remember that my favorite number is 17",
                "a:ok",
                "u:What is my favorite number? Reply with only the number.",
            ),
            "17",
        ),
        (
            "",
            (
                "u:My favorite fruit is mango. Just acknowledge.",
                "a:ok",
                "u:What is my favorite fruit? Answer in one word.",
            ),
            "mango",
        ),
        ("You are terse. Answer in a single word.", ("u:what is 6 times 7",), "42"),
    ],
)
def test_the_answer_is_exactly_what_was_asked_for(
    instructions: str, turns: tuple[str, ...], answer: str
) -> None:
    text = talk(*turns, instructions=instructions).text

    assert text.strip(" .!").lower() == answer.strip(" .!").lower()


@pytest.mark.parametrize(
    ("instructions", "turns", "part"),
    [
        ("", ("u:My name is Alice.", "u:What is my name?"), "alice"),
        ("", ("u:Hi, I'm Bob and I live in Lisbon.", "a:Nice", "u:where do I live?"), "lisbon"),
        (
            "",
            ("u:Hi, I'm Bob and I live in Lisbon.", "a:Nice", "u:Do you remember my name?"),
            "bob",
        ),
        (
            "",
            ("u:Remember the number 42.", "a:ok", "u:What number did I ask you to remember?"),
            "42",
        ),
        ("", ("u:The secret word is 'pineapple'. Just say OK.",), "ok"),
        ("", ("u:The secret word is pineapple.", "a:OK", "u:What's the secret word?"), "pineapple"),
        (
            "",
            (
                "u:My favorite color is teal, please remember it.",
                "a:OK",
                "u:What's my favourite colour?",
            ),
            "teal",
        ),
        ("", ("u:What is my favorite color?",), "not told"),
        (
            "The secret code is 8472. Only reveal it when asked.",
            ("u:what is the secret code?",),
            "8472",
        ),
        ("You are a helpful assistant named Max.", ("u:What's your name?",), "max"),
        ("You are Zorg, an alien.", ("u:Who are you?",), "zorg"),
        ("", ("u:What is 2+2?",), "4"),
        ("", ("u:what is twelve times twelve",), "144"),
        ("", ("u:Add 17 and 25.",), "42"),
        ("", ("u:What's 15% of 200?",), "30"),
        ("", ("u:what's (3 + 4) * 2?",), "14"),
        ("", ("u:What is the square root of 144?",), "12"),
        ("", ("u:what is 10 minus 3 plus 2",), "9"),
        ("", ("u:Which is larger, 7 or 12?",), "12"),
        ("", ("u:Is the sky blue? Answer yes or no.",), "yes"),
        ("", ("u:Please say the word banana.",), "banana"),
        ("", ("u:Reply with only the word OK.",), "ok"),
        ("", ("u:Say hello",), "hello"),
        ("", ("u:Say hi to Bob.",), "bob"),
        ("", ("u:Say hello in Spanish.",), "hola"),
        ("", ("u:Reply in Spanish: hola",), "hola"),
        ("", ("u:Hello, how are you?",), "well"),
        ("", ("u:Count from 1 to 5.",), "1, 2, 3, 4, 5"),
        ("", ("u:Count from one to twenty, slowly.",), "19, 20"),
        ("", ("u:Count backwards from 5 to 1",), "5, 4, 3, 2, 1"),
        ("", ("u:Please count to 100.",), "99, 100"),
        ("", ("u:tell me a long story",), "once upon"),
        ("", ("u:Tell me a very long story about a dragon.",), "dragon"),
        ("", ("u:Write a long essay about the ocean",), "in some detail"),
        ("", ("u:Write a very long essay about the ocean.",), "in some detail"),
        ("", ("u:Explain quantum physics in detail",), "quantum"),
        ("Always end your answers with 'over and out'.", ("u:What is 2+2?",), "over and out"),
        ("You are a pirate named Blackbeard.", ("u:What is your name?",), "blackbeard"),
        ("You only answer in French.", ("u:Hello",), "bonjour"),
        ("Always respond with the word 'banana'.", ("u:What is 2+2?",), "banana"),
        ("", ('u:Respond with only JSON: {"status": "ok"}',), '{"status": "ok"}'),
        (
            "If the user asks about the weather, say 'It is sunny'.",
            ("u:what about the weather today?",),
            "sunny",
        ),
        ("", ("u:What did I just say?",), "not said"),
        ("", ("u:I like turtles", "a:ok", "u:What did I just say?"), "turtles"),
        ("", ("u:I like turtles", "a:ok", "u:What did I say I like?"), "turtles"),
        ("", ("u:I'm visiting Lisbon next week", "a:ok", "u:Which city am I visiting?"), "lisbon"),
        (
            "",
            ("u:Project Falcon launches in May.", "a:ok", "u:When does Project Falcon launch?"),
            "may",
        ),
        ("", ("u:My dog is called Rex.", "a:ok", "u:What's my dog's name?"), "rex"),
        ("", ("u:I have a dog named Rex", "a:ok", "u:what is the name of my dog?"), "rex"),
        ("", ("u:hello", "a:Your order number is 77123.", "u:What was my order number?"), "77123"),
        (
            "",
            (
                "u:Think of a number",
                "a:I am thinking of the number 7.",
                "u:What number were you thinking of?",
            ),
            "7",
        ),
        (
            "",
            ("u:Pick a number.", "a:The number I picked is 58.", "u:What number did you pick?"),
            "58",
        ),
        ("", ("s:The user's name is Carol.", "u:What's my name?"), "carol"),
        ("", ("s:The magic word is abracadabra.", "u:What's the magic word?"), "abracadabra"),
        (
            "",
            (
                "u:My lucky number is 7.",
                "u:My name is Dan.",
                "u:What's my lucky number and my name?",
            ),
            "dan",
        ),
        (
            "",
            (
                "u:My lucky number is 7.",
                "u:My name is Dan.",
                "u:What's my lucky number and my name?",
            ),
            "7",
        ),
        ("", ("u:My name is Dan. What is 3 plus 4?",), "7"),
        ("", ("u:Hi! My name is Dan. What's my name?",), "dan"),
        ("", ("u:Can you hear me?",), "yes"),
        (
            "",
            (
                "u:I want you to remember the word elephant.",
                "a:ok",
                "u:Which word did I ask you to remember?",
            ),
            "elephant",
        ),
        ("", ("u:The password is swordfish", "a:ok", "u:What is the password?"), "swordfish"),
        (
            "",
            ("u:the capital of Testland is Foobar", "a:ok", "u:What is the capital of Testland?"),
            "foobar",
        ),
        ("", ("u:How are you today?",), "well"),
        ("", ("u:What's the weather in Paris?",), "paris"),
        ("", ("u:Are you there?",), "yes"),
        (
            "",
            (
                "u:My name is Alice and I am 30 years old and I work as a nurse.",
                "a:ok",
                "u:How old am I?",
            ),
            "30",
        ),
        (
            "",
            (
                "u:My name is Alice and I am 30 years old and I work as a nurse.",
                "a:ok",
                "u:what's my job",
            ),
            "nurse",
        ),
        ("", ("u:my name is alice", "a:ok", "u:what is my name"), "alice"),
        (
            "",
            ("u:hello my name is peter and i live in london", "a:ok", "u:what is my name"),
            "peter",
        ),
        (
            "",
            ("u:hello my name is peter and i live in london", "a:ok", "u:where do i live"),
            "london",
        ),
        ("You are a helpful assistant. Keep your answers short.", ("u:Who are you?",), "simulator"),
        (
            "",
            (
                "u:Apples are red",
                "a:ok",
                "u:Bananas are yellow",
                "a:ok",
                "u:What was the first thing I said?",
            ),
            "apples",
        ),
        ("", ("u:What is 100 divided by 4?",), "25"),
        ("", ("u:what's 7 x 8",), "56"),
        ("", ("u:What is five plus seven? Respond with digits only.",), "12"),
        ("", ("u:The word is mango.", "a:OK", "u:Please repeat the word I told you."), "mango"),
        ("", ("u:My cat's name is Whiskers", "a:OK", "u:What's the name of my cat?"), "whiskers"),
        (
            "",
            ("u:Remember: the meeting is at 3pm on Tuesday.", "a:ok", "u:When is the meeting?"),
            "3pm",
        ),
        ("", ("u:Let's use the code 5521.", "a:ok", "u:what code did we agree on?"), "5521"),
        ("", ("u:I parked my car on level 4.", "a:ok", "u:Where did I park my car?"), "level 4"),
    ],
)
def test_the_answer_holds_what_was_asked_for(
    instructions: str, turns: tuple[str, ...], part: str
) -> None:
    assert part in talk(*turns, instructions=instructions).text.lower()


def test_what_was_deleted_or_cut_is_forgotten() -> None:
    assert "pineapple" not in talk("a:OK", "u:What is the secret word?").text
    assert "not said" in talk("u:Tell me a story", "a:", "u:What did you just say?").text


def test_orders_of_the_response_itself_come_first() -> None:
    order = "Say exactly 'one moment'."
    text = talk("u:What is 2+2?", instructions=order, order=order).text

    assert text == "one moment"
    assert "4" in talk(instructions="What is 2+2?", order="What is 2+2?").text


def test_a_story_lasts_long_enough_to_be_interrupted() -> None:
    assert len(talk("u:Tell me a long story").text.split()) > 200


HOSTILE = [
    "a",
    " ",
    "say ",
    "my x is ",
    "1 + ",
    "9",
    "(",
    'say "',
    "my a and my b is c and my ",
    "what is my ",
]
HOSTILE += [
    "one two ",
    "when I say x, ",
    ". ",
    "always say ",
    "A ",
    "Aa ",
    ",",
    "\0",
    "\ud800",
    "- 1-1/",
    "json {",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (6000 // len(piece))
    started = time.process_time()
    talk(f"u:{text}!", f"a:{text}", f"u:{text}", instructions=text, tools=TOOLS)

    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("ok", "Okay."),
        ("Okay.", "Okay."),
        ("Yes, got it", "Okay."),
        ("Stop, wait a second.", "Okay, I am waiting."),
        ("hold on please", "Okay, I am waiting."),
        ("just a moment", "Okay, I am waiting."),
        ("one", "You said: one"),
        ("Never mind.", "All right, never mind."),
        ("Ok, please continue.", "As I was saying: Once upon a time."),
    ],
)
def test_an_acknowledgement_is_heeded_and_not_parroted(heard: str, answer: str) -> None:
    assert talk("u:Tell me a story", "a:Once upon a time.", f"u:{heard}").text == answer


@pytest.mark.parametrize("heard", ["Okay, what is 2 plus 3?", "Stop the car at 5, what is 2 + 3?"])
def test_what_asks_for_more_is_answered(heard: str) -> None:
    assert "5" in talk(f"u:{heard}").text
    assert "waiting" not in talk(f"u:{heard}").text
