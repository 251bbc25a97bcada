"""The translation service in DeepL's shape."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, FormData

from conversations.simulator.config import SimulatorConfig
from conversations.simulator.phrases import Phrases
from conversations.simulator.scenarios.loader import load, names
from conversations.simulator.server import SimulatorServer
from tests.conversations.simulator.client import Client

HOLA = "Perfecto, muchas gracias."


async def test_scenario_texts_get_their_true_translation_in_order(
    client: Client, server: SimulatorServer
) -> None:
    server.player.learn(load("demo").scripts)

    answer = await client.translate("七時でお願いします。", "Can we start?", HOLA)

    assert (await answer.json())["translations"] == [
        {"detected_source_language": "JA", "text": "Seven o'clock, please."},
        {"detected_source_language": "EN", "text": "Can we start?"},
        {"detected_source_language": "ES", "text": "Perfect, thank you very much."},
    ]


async def test_a_form_is_as_good_as_json(client: Client, server: SimulatorServer) -> None:
    server.player.learn(load("hotel-es").scripts)
    form = FormData([("text", HOLA), ("text", HOLA), ("target_lang", "EN-US")])

    answer = await client.session.post(
        f"{client.base_url}/v2/translate",
        data=form,
        headers={"Authorization": "DeepL-Auth-Key demo"},
    )

    texts = [one["text"] for one in (await answer.json())["translations"]]
    assert texts == ["Perfect, thank you very much."] * 2


async def test_an_unknown_text_is_marked_as_a_stand_in(client: Client) -> None:
    answer = await client.translate("Preciso de mais um travesseiro, por favor")

    one = (await answer.json())["translations"][0]
    assert one["detected_source_language"] == "PT"
    assert one["text"] == "[stand-in pt→en] Preciso de mais um travesseiro, por favor"


@pytest.mark.parametrize(
    ("said", "language", "meant"),
    [
        ("Hola, necesito ayuda con mi pedido 77", "ES", "Hello, I need help with my order 77"),
        ("¿Cuándo llega mi paquete?", "ES", "When arrives my parcel?"),
        ("Je voudrais annuler ma commande, merci", "FR", "I would like cancel my order, thank you"),
        ("Guten Tag, mein Paket ist noch nicht da.", "DE", "Hello, my parcel is not yet there."),
    ],
)
async def test_what_somebody_types_freely_is_put_word_for_word_and_says_so(
    client: Client, said: str, language: str, meant: str
) -> None:
    answer = await client.translate(said)

    one = (await answer.json())["translations"][0]
    assert one["detected_source_language"] == language
    assert one["text"] == f"[word for word] {meant}"


async def test_a_text_of_unknown_words_is_left_as_it_is(client: Client) -> None:
    answer = await client.translate("El zorro marrón salta sobre perezosos canes gruñones")

    assert (await answer.json())["translations"][0]["text"].startswith("[stand-in es→en] El zorro")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"text": ["x"] * 51}, 400),
        ({"text": []}, 400),
        ({"target_lang": "XX"}, 400),
        ({"target_lang": None}, 400),
        ({"source_lang": "auto"}, 400),
        ({"text": ["x" * 140_000]}, 413),
    ],
)
async def test_what_deepl_refuses_is_refused(
    client: Client, change: dict[str, object], status: int
) -> None:
    assert (await client.translate("x", **change)).status == status


async def test_the_key_and_the_quota_are_checked() -> None:
    config = SimulatorConfig(translation_key="right", quota_characters=5)
    async with SimulatorServer(config) as server, ClientSession() as session:
        url = f"{server.base_url}/v2/translate"
        body = {"text": ["Hello"], "target_lang": "EN-US"}
        keys = ("wrong", "right", "right")

        statuses = [
            (
                await session.post(
                    url, json=body, headers={"Authorization": f"DeepL-Auth-Key {key}"}
                )
            ).status
            for key in keys
        ]

        assert statuses == [403, 200, 456]


@pytest.mark.parametrize("name", names())
def test_the_guessed_language_of_every_scenario_line_is_right(name: str) -> None:
    phrases = Phrases()
    for script in load(name).scripts:
        for turn in script.turns:
            if turn.speaker == "guest":
                assert phrases.detect(turn.text) == script.language, turn.text
            if turn.translation:
                assert phrases.detect(turn.translation) == "EN", turn.translation
