"""What a process needs and has not got: refused or waited for, and said in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from django.db import connection

from conversations.models import Delivery
from tests.flows.platform import Platform, assert_went_well
from tests.processes import Processes, RunningProcess, database_url_of
from tests.redis_server import RedisServer

pytestmark = pytest.mark.flow
NO_REDIS = "redis://127.0.0.1:1/0"  # nobody listens there
WORKER = ("-m", "celery", "-A", "config", "worker", "-Q", "rt")
BEAT = ("-m", "celery", "-A", "config", "beat")
WEB = ("-m", "daphne", "-b", "127.0.0.1", "-p", "0", "config.asgi:application")
FIX = "is not migrated: .*Run `python manage.py migrate`"


def lines_about(process: RunningProcess, pattern: str) -> list[str]:
    return [line for line in process.output().splitlines() if re.search(pattern, line)]


# --- Redis --------------------------------------------------------------------------------------
@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_that_is_started_without_redis_delivers(
    processes: Processes, platform: Platform, pool: str
):
    processes.environment["REDIS_URL"] = NO_REDIS
    worker = processes.start("worker", [*WORKER, "-P", pool, "-c", "1"])
    gateway = processes.start_gateway(ready=platform.is_watched)

    platform.say("Hola", conversation="conv-1", language="ES", translation="Hello")

    processes.wait_until(
        lambda: platform.counts().get("attributes", 0) == 1, what="it is delivered", of=worker
    )
    processes.wait_until(
        lambda: not Delivery.objects.awaiting_attributes().exists(), what="it is recorded"
    )
    assert_went_well(platform.verdict())
    assert worker.stop() == 0
    assert gateway.stop() == 0
    assert "Traceback" not in worker.output() + gateway.output()


@pytest.fixture
def redis(processes: Processes) -> Iterator[RedisServer]:
    """A Redis of the processes' own, which is not there yet."""
    server = RedisServer()
    processes.environment["REDIS_URL"] = server.url
    try:
        yield server
    finally:
        server.stop()
        server.remove()


def test_a_gateway_says_once_an_outage_that_redis_is_away_and_what_it_means(
    processes: Processes, platform: Platform, redis: RedisServer
):
    gateway = processes.start_gateway(ready=platform.is_watched)

    def speak(*, until: str, times: int) -> None:
        """Goes on speaking, so that there are many wake-ups to be sent."""

        def is_said() -> bool:
            platform.say("Hola", conversation="conv-1", language="ES", translation="Hello")
            return len(lines_about(gateway, until)) >= times

        processes.wait_until(is_said, what=until, of=gateway)
        spoken = platform.counts()["guest"]
        processes.wait_until(
            lambda: is_said() and platform.counts()["guest"] >= spoken + 20, what="it goes on"
        )
        # One more where a stalled machine took Redis for being away.
        assert len(lines_about(gateway, until)) <= times + 1

    for outage in (1, 2):
        speak(until="no wake-ups are sent", times=outage)
        redis.start()
        speak(until="Redis answers again", times=outage)
        redis.stop()

    line = lines_about(gateway, "no wake-ups are sent")[0]
    assert "delivered all the same" in line
    assert "REDIS_URL" in line
    assert "Traceback" not in gateway.output()


# --- Settings -----------------------------------------------------------------------------------
@pytest.mark.parametrize("command", [WORKER, BEAT, WEB], ids=["worker", "beat", "web"])
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set. Give it at least 32"),
        ("DATABASE_URL", "postgresql://p:CANARY@host:port/name", "DATABASE_URL is no address"),
    ],
)
def test_no_process_starts_with_a_setting_that_is_missing_or_wrong(
    machine: Processes, command: tuple[str, ...], name: str, value: str, says: str
):
    ended = machine.run_python(*command, environment={name: value})

    assert_refused(ended, says)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GENESYS_CLIENT_ID", "", "GENESYS_CLIENT_ID is not set. Create an OAuth client"),
        ("GENESYS_API_URL", "api.mypurecloud.ie", "GENESYS_API_URL must be an address"),
        ("TRANSLATION_API_KEY", "", "TRANSLATION_API_KEY is not set. Put the key"),
        ("TRANSLATION_PROVIDER", "babelfish", "TRANSLATION_PROVIDER must be one of deepl"),
        ("TARGET_LANGUAGE", "?", "TARGET_LANGUAGE must be a language tag"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must not contain"),
    ],
)
def test_no_worker_starts_without_what_its_work_needs(
    machine: Processes, name: str, value: str, says: str
):
    ended = machine.run_python(*WORKER, "-P", "threads", environment={name: value})

    assert_refused(ended, says)


def test_a_worker_with_children_refuses_before_it_has_any(machine: Processes):
    ended = machine.run_python(*WORKER, "-P", "prefork", environment={"GENESYS_CLIENT_ID": ""})

    assert_refused(ended, "GENESYS_CLIENT_ID is not set")


def test_the_web_is_not_open_to_every_origin(machine: Processes):
    ended = machine.run_python(*WEB, environment={"ALLOWED_ORIGINS": "*"})

    assert_refused(ended, "ALLOWED_ORIGINS, SIMULATOR_ORIGINS and ALLOWED_HOSTS must not contain")


def assert_refused(ended, says: str) -> None:
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.startswith("parley: ")
    assert says in ended.stderr
    assert "CANARY" not in ended.stderr


def test_a_worker_says_what_it_is_in_one_line_without_celerys_banner(processes: Processes):
    worker = processes.start_worker()

    processes.wait_until(lambda: " ready." in worker.output(), what="it is ready", of=worker)

    [line] = lines_about(worker, "4 thread, queues rt,sync,bulk")
    assert '"level": "info"' in line
    for noise in ("[config]", "-----", "SecurityWarning"):
        assert noise not in worker.output()


# --- Tables -------------------------------------------------------------------------------------
@pytest.fixture
def unmigrated(processes: Processes) -> Iterator[Processes]:
    """The processes' database is empty."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    processes.environment["DATABASE_URL"] = database_url_of(name)
    try:
        yield processes
    finally:
        processes.stop_all()
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.postgresql_only  # SQLite runs in one process, which migrates by itself
def test_gateway_and_worker_name_the_missing_tables_and_go_on_once_they_are_there(
    unmigrated: Processes, platform: Platform
):
    worker = unmigrated.start_worker()
    gateway = unmigrated.start_gateway()
    for process in (worker, gateway):
        unmigrated.wait_until(lambda p=process: lines_about(p, FIX), what="it says so", of=process)

    migrated = unmigrated.run("migrate", "--no-input")
    assert migrated.returncode == 0, migrated.stderr
    unmigrated.wait_until(platform.is_watched, what="the gateway goes on", of=gateway)
    platform.say("Hola", conversation="conv-1", language="ES", translation="Hello")
    unmigrated.wait_until(
        lambda: platform.counts().get("attributes", 0) == 1, what="it is delivered", of=worker
    )

    again = "the database answers again"  # said when nothing has failed for five seconds
    for process in (worker, gateway):
        unmigrated.wait_until(lambda p=process: lines_about(p, again), what=again, of=process)
        assert len(lines_about(process, FIX)) == 1, process.output()
        assert len(lines_about(process, again)) == 1
        assert "Traceback" not in process.output()


@pytest.mark.postgresql_only
def test_the_web_answers_that_it_is_not_available_and_says_why(unmigrated: Processes):
    web, address = unmigrated.start_web()
    cookies = {"sessionid": "s" * 32}

    page = httpx.get(f"{address}/live/", cookies=cookies, timeout=30)
    again = httpx.get(f"{address}/live/", cookies=cookies, timeout=30)
    ready = httpx.get(f"{address}/readyz", timeout=30)

    assert (page.status_code, again.status_code, ready.status_code) == (503, 503, 503)
    assert page.headers["Retry-After"] == "5"
    assert "cannot reach its records" in page.text
    assert re.search(FIX, ready.text)
    assert len(lines_about(web, FIX)) == 1
    assert "Traceback" not in web.output()


@pytest.mark.postgresql_only
@pytest.mark.parametrize(
    "command",
    [["verify_audit"], ["export", "transcripts", "--output", "-"]],
    ids=lambda command: command[0],
)
def test_a_command_without_its_tables_says_so_in_one_line(
    unmigrated: Processes, command: list[str]
):
    ended = unmigrated.run(*command)

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert re.match(f"parley: .*{FIX}", ended.stderr)


# --- The database away --------------------------------------------------------------------------
def test_a_gateway_names_the_setting_of_the_database_that_does_not_answer(processes: Processes):
    processes.environment["DATABASE_URL"] = "postgresql://parley:CANARY@127.0.0.1:1/parley"
    gateway = processes.start_gateway()

    processes.wait_until(
        lambda: lines_about(gateway, "does not answer"), what="it says so", of=gateway
    )

    [line] = lines_about(gateway, "does not answer")
    assert "the database 127.0.0.1:1/parley does not answer" in line
    assert "Start it or correct DATABASE_URL" in line
    assert gateway.stop() == 0
    assert "Traceback" not in gateway.output()
    assert "CANARY" not in gateway.output()
