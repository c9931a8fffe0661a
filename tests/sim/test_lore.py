"""Simple questions, each in the wording that a tester would use first."""

from __future__ import annotations

import pytest

from tests.sim.talking import talk


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the capital of Atlantis?", ""),
        ("Is Paris the capital of France?", "Yes. The capital of France is Paris."),
        ("Is Rome the capital of France?", "No. The capital of France is Paris."),
        ("What is the opposite of hot?", "The opposite of hot is cold."),
        ("How do you spell cat?", "C-A-T."),
        ("How many letters are in banana?", '"banana" has 6 letters.'),
        ("How many times does the letter a appear in banana?", '"banana" has 3 times A.'),
        ("What is the first letter of banana?", "The first letter of banana is B."),
        ("What is the last letter of word?", "The last letter of word is D."),
        ("What is the plural of child?", "The plural of child is children."),
        ("What is the plural of box?", "The plural of box is boxes."),
        ("What is the plural of city?", "The plural of city is cities."),
        ("What is the plural of toy?", "The plural of toy is toys."),
        ("What day comes after Monday?", "It is Tuesday."),
        ("What month comes before January?", "It is December."),
        ("What number comes after 41?", "It is 42."),
        ("What letter comes after z?", "It is A."),
        ("Count from 3 to 6", "3, 4, 5, 6."),
        ("Count down from 3", "3, 2, 1."),
        ("Count by 5s from 5 to 20", "5, 10, 15, 20."),
        ("List three colors", "red, blue and green."),
        ("How do you say hello in French?", "Bonjour"),
    ],
)
def test_a_simple_question_is_answered(question: str, answer: str) -> None:
    assert answer.lower() in talk(f"u:{question}").text.lower()
