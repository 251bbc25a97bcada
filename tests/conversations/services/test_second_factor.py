"""A code is right once and for a while, and guesses are few; the secret is nowhere to be read."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from conversations.models import JournalEntry, RecoveryCode, SecondFactor
from conversations.models.second_factor import TOTP
from conversations.services import second_factor
from conversations.services.second_factor import GENERATOR, RECOVERY, check
from tests.conversations import histories
from tests.conversations.second_factors import code_at, set_up
from tests.conversations.services.decided import be_patient

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 15, 10, 30, 5, tzinfo=UTC)


@pytest.fixture
def cora() -> User:
    return histories.user("cora", "compliance")


def checked(user: User, typed: str, *, after_s: float) -> str:
    with time_machine.travel(NOW + timedelta(seconds=after_s), tick=False):
        return check(user, typed)


def kinds() -> list[str]:
    return list(JournalEntry.objects.order_by("seq").values_list("kind", flat=True))


def test_the_codes_are_those_of_the_standard():
    """RFC 6238, appendix B, its last six digits."""
    letters = base64.b32encode(b"12345678901234567890").decode()

    for second, expected in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        ours = TOTP(b"12345678901234567890", 30, 0, 6)
        ours.time = second
        assert f"{ours.token():06d}" == expected
        assert code_at(letters, datetime.fromtimestamp(second, UTC)) == expected


@pytest.mark.parametrize(
    ("of_s", "at_s", "expected"),
    [(90, 90, GENERATOR), (60, 90, GENERATOR), (120, 90, GENERATOR), (30, 90, ""), (150, 90, "")],
)
def test_a_code_is_right_in_its_half_minute_and_beside_it(cora, of_s: int, at_s: int, expected):
    letters, _ = set_up(cora, NOW)

    typed = code_at(letters, NOW + timedelta(seconds=of_s))

    assert checked(cora, typed, after_s=at_s) == expected


def test_a_code_is_taken_once_and_none_from_before_it(cora: User):
    letters, _ = set_up(cora, NOW)
    codes = {s: code_at(letters, NOW + timedelta(seconds=s)) for s in (0, 60, 90)}

    assert checked(cora, codes[0], after_s=1) == ""  # the one that it was confirmed with
    assert checked(cora, codes[90], after_s=90) == GENERATOR
    assert checked(cora, codes[90], after_s=91) == ""
    assert checked(cora, codes[60], after_s=93) == ""


def test_people_type_codes_in_many_ways(cora: User):
    letters, codes = set_up(cora, NOW)
    code = code_at(letters, NOW + timedelta(seconds=60))

    assert checked(cora, f" {code[:3]} {code[3:]} ", after_s=60) == GENERATOR
    assert checked(cora, codes[0].upper().replace("-", " "), after_s=61) == RECOVERY
    for typed in ("", " ", "½½½½½½", "²²²²²²", "x" * 5000, "\x00" * 6, code[:5]):
        assert checked(cora, typed, after_s=2000) == ""


def test_a_recovery_code_is_taken_once_and_noted(cora: User):
    _, codes = set_up(cora, NOW)

    found = [checked(cora, codes[3], after_s=60 * n) for n in (1, 2)]

    assert found == [RECOVERY, ""]
    assert len(set(codes)) == 10
    assert kinds() == ["factor_set", "code_used"]
    assert JournalEntry.objects.get(kind="code_used").data == '{"left":9}'


@pytest.mark.django_db(transaction=True)
def test_one_code_at_eight_doors_at_once_opens_one():
    cora = histories.user("cora", "compliance")
    letters, codes = set_up(cora, NOW)
    code = code_at(letters, NOW + timedelta(seconds=60))

    together = Barrier(8, timeout=30)

    def knock(typed: str) -> str:
        try:
            be_patient()
            together.wait()
            return check(cora, typed)
        finally:
            connection.close()

    with time_machine.travel(NOW + timedelta(seconds=60)), ThreadPoolExecutor(8) as threads:
        found = list(threads.map(knock, [code] * 8))
    SecondFactor.objects.update(throttling_failure_count=0)
    with time_machine.travel(NOW + timedelta(seconds=90)), ThreadPoolExecutor(8) as threads:
        recovered = list(threads.map(knock, [codes[0]] * 8))

    assert sorted(found) == [""] * 7 + [GENERATOR]
    assert sorted(recovered) == [""] * 7 + [RECOVERY]


def test_after_wrong_codes_even_a_right_one_waits_and_never_for_long(cora: User):
    letters, codes = set_up(cora, NOW)

    def right(after_s: float) -> str:
        return checked(cora, code_at(letters, NOW + timedelta(seconds=after_s)), after_s=after_s)

    for n in range(3):
        assert checked(cora, "000000", after_s=100 + 10 * n) == ""
    assert right(123) == ""  # three failures: four seconds
    assert checked(cora, codes[0], after_s=123.5) == ""
    assert right(124.5) == GENERATOR
    SecondFactor.objects.update(throttling_failure_count=1)
    for n in range(30):
        checked(cora, "000000", after_s=1000 + 600 * n)
    assert right(1000 + 600 * 29 + 500) == ""
    assert right(1000 + 600 * 29 + 515) == GENERATOR


def test_neither_the_secret_nor_a_recovery_code_is_in_the_database(cora: User):
    letters, codes = set_up(cora, NOW)
    key = base64.b32decode(letters.replace(" ", ""))

    sealed = bytes(SecondFactor.objects.get().secret)
    digests = list(RecoveryCode.objects.values_list("digest", flat=True))

    assert key not in sealed
    assert key.hex().encode() not in sealed
    assert SecondFactor.objects.get().key() == key
    assert not any(code.replace("-", "") in digest for code in codes for digest in digests)


def test_a_secret_that_was_not_confirmed_asks_for_nothing_and_is_forgotten(cora: User):
    with time_machine.travel(NOW, tick=False):
        first, second = second_factor.begin(cora), second_factor.begin(cora)
        assert first is not None
        assert second is not None
        assert second_factor.confirm(cora, code_at(first.letters, NOW)) is None
    later = NOW + timedelta(hours=1, seconds=1)
    with time_machine.travel(later, tick=False):
        too_late = second_factor.confirm(cora, code_at(second.letters, later))

    assert too_late is None
    assert checked(cora, code_at(second.letters, NOW), after_s=10) == ""
    assert kinds() == []


def test_where_there_is_one_another_does_not_take_its_place(cora: User):
    letters, _ = set_up(cora, NOW)

    assert second_factor.begin(cora) is None

    assert checked(cora, code_at(letters, NOW + timedelta(seconds=60)), after_s=60) == GENERATOR


def test_removing_and_renewing_need_a_fresh_code(cora: User):
    letters, codes = set_up(cora, NOW)

    def typed(after_s: int) -> str:
        return code_at(letters, NOW + timedelta(seconds=after_s))

    with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
        assert second_factor.renew_codes(cora, "000000") == []
    with time_machine.travel(NOW + timedelta(seconds=90), tick=False):
        renewed = second_factor.renew_codes(cora, typed(90))
    assert len({*renewed, *codes}) == 20
    assert checked(cora, codes[0], after_s=120) == ""
    with time_machine.travel(NOW + timedelta(seconds=150), tick=False):
        assert not second_factor.remove(cora, "abcde-fghjk")
    with time_machine.travel(NOW + timedelta(seconds=180), tick=False):
        assert second_factor.remove(cora, renewed[0])

    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert kinds() == ["factor_set", "codes_renewed", "code_used", "factor_removed"]


def test_the_machine_resets_it(cora: User, capsys: pytest.CaptureFixture[str]):
    set_up(cora, NOW)

    call_command("reset_second_factor", "cora")
    call_command("reset_second_factor", "cora")

    assert capsys.readouterr().out.splitlines() == [
        "reset",
        "nothing to reset: there is no second factor",
    ]
    assert not SecondFactor.objects.exists()
    assert kinds() == ["factor_set", "factor_reset"]
    with pytest.raises(CommandError, match="there is no account nobody"):
        call_command("reset_second_factor", "nobody")
