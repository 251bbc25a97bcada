"""Generated load: Spanish sentences from a small grammar, with the English composed alike."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conversations.simulator.messages import SimulatedConversation
    from conversations.simulator.world import World

LANGUAGE = "ES"
OPENINGS = (
    ("Hola", "Hello"), ("Buenos días", "Good morning"), ("Perdone", "Excuse me"),
    ("Una pregunta", "One question"), ("Otra cosa", "Another thing"), ("Por favor", "Please"),
)  # fmt: skip
SUBJECTS = (
    ("mi pedido {n} todavía no ha llegado", "my order {n} has not arrived yet"),
    ("la reserva {n} es para {k} noches", "booking {n} is for {k} nights"),
    ("el vuelo {n} salió con {k} horas de retraso", "flight {n} left {k} hours late"),
    ("en la factura {n} faltan {k} artículos", "{k} items are missing from invoice {n}"),
    ("necesito cambiar la talla del pedido {n}", "I need to change the size of order {n}"),
    ("la habitación {n} está demasiado fría", "room {n} is too cold"),
)
ENDINGS = (
    ("gracias", "thank you"), ("¿qué puedo hacer?", "what can I do?"),
    ("es urgente", "it is urgent"),
    ("¿me puede ayudar?", "can you help me?"), ("no tengo prisa", "I am in no hurry"),
)  # fmt: skip
REPLIES = (
    "Let me check that for you.",
    "Thank you for waiting, I have found it.",
    "Could you tell me the date, please?",
    "That has been arranged.",
)
AGENT_SHARE = 0.12


def sentence(rng: random.Random, number: int) -> tuple[str, str]:
    """(Spanish, English); the number makes it unlike any other."""
    opening, subject, ending = rng.choice(OPENINGS), rng.choice(SUBJECTS), rng.choice(ENDINGS)
    values = {"n": number, "k": rng.randint(2, 9)}
    spanish = f"{opening[0]}, {subject[0].format(**values)}, {ending[0]}"
    english = f"{opening[1]}, {subject[1].format(**values)}, {ending[1]}"
    return spanish, english


def sentences(*, seed: int, lines: int, equal_texts: float) -> Iterator[tuple[int, str, str]]:
    """Endless (line, Spanish, English) over so many lines; a share repeats its line's last."""
    rng = random.Random(seed)  # repeatable on purpose
    last: dict[int, tuple[str, str]] = {}
    number = 1000 + seed % 1000
    while True:
        line = rng.randrange(lines)
        if line not in last or rng.random() >= equal_texts:
            number += 1
            last[line] = sentence(rng, number)
        yield line, *last[line]


@dataclass(slots=True)
class Load:
    """One run of generated load. Ids of its conversations are known before it begins."""

    world: World
    messages: int
    rate: float
    seed: int = 1
    equal_texts: float = 0.1
    lines: list[SimulatedConversation] = field(default_factory=list)
    emitted: int = 0
    done: bool = False

    def open(self, conversations: int) -> list[str]:
        for index in range(conversations):
            name = f"Guest {index + 1}"
            self.lines.append(self.world.open_conversation(guest=name, language=LANGUAGE))
        return [one.id for one in self.lines]

    async def run(self) -> None:
        """Say everything at `rate` messages a second; behind time, it catches up in bursts."""
        rng = random.Random(self.seed + 1)  # repeatable on purpose
        source = sentences(seed=self.seed, lines=len(self.lines), equal_texts=self.equal_texts)
        began = self.world.monotonic()
        for line, spanish, english in source:
            if self.emitted >= self.messages:
                break
            ahead = began + self.emitted / self.rate - self.world.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)
            elif self.emitted % 20 == 0:
                await asyncio.sleep(0)
            conversation = self.lines[line]
            self.world.say_as_guest(conversation, spanish, language=LANGUAGE, translation=english)
            self.emitted += 1
            if rng.random() < AGENT_SHARE:
                self.world.say_as_agent(conversation, rng.choice(REPLIES))
        self.done = True
