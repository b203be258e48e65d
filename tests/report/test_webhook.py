"""Posting changes: a real receiver that fails, stalls, answers 500 and then takes; each once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from made_up_news import WEEK_START, bearish_week, fill, usual_news

from corpus.errors import InputError, UndertowError, UsageError
from corpus.store import Store
from service import webhook as room
from service.changes import Change, Told, ToldBand, changes, find_changes
from service.report.reader import open_news
from service.webhook import Webhook, post_changes, signature

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
TOKEN = "t0ken-in-the-path"
NOW = datetime(2025, 11, 24, tzinfo=UTC)


class Receiver:
    """What a receiver got; ``answers`` are statuses (or ``stall``, ``drop``) used up in order."""

    def __init__(self):
        self.requests, self.answers, self.headers = [], [], {}
        self.let_go = threading.Event()

    @property
    def taken(self):
        return [json.loads(body)["name"] for _, body, status in self.requests if status == 200]


@contextmanager
def receiving():
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = receiver.answers.pop(0) if receiver.answers else 200
            receiver.requests.append((dict(self.headers.items()), body, answer))
            if answer == "stall":
                receiver.let_go.wait(60)
                return
            if answer == "drop":
                return
            self.send_response(answer)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks/{TOKEN}"
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


def change(name="macro", pressure=-3.0):
    return Change(
        schema=1,
        id=hashlib.sha256(f"{name}{pressure}".encode()).hexdigest()[:32],
        kind="pressure",
        name=name,
        as_of=NOW,
        sentence="News pressure left its band.",
        before=ToldBand(week="2025-W46", pressure=0.1, lower=-0.5, upper=0.7),
        now=ToldBand(week="2025-W47", pressure=pressure, lower=-4.0, upper=-2.0),
    )


def finder(*found):
    """Finds these at the second time; at the first everything is only noted."""

    def find(told):
        return (() if told is None else tuple(found)), Told(states={"etf_flows": "unclear"})

    return find


def posting(receiver, state, *found, waits=None):
    posted = []
    hook = Webhook(
        receiver.url,
        SECRET,
        sleep=(waits if waits is not None else []).append,
        jitter=lambda: 1.0,
    )
    first = post_changes(hook, state, finder(*found), on_posted=posted.append)
    return first, [one.name for one in posted]


def test_the_first_run_notes_and_the_next_posts_each_change_once(receiver, tmp_path):
    state = tmp_path / "state.json"
    assert posting(receiver, state, change()) == (True, [])
    assert receiver.requests == []
    assert posting(receiver, state, change(), change("leverage")) == (
        False,
        ["macro", "leverage"],
    )
    assert receiver.taken == ["macro", "leverage"]
    assert posting(receiver, state) == (False, [])
    assert len(receiver.requests) == 2


def test_a_message_can_be_verified_as_the_document_says(receiver, tmp_path):
    state = tmp_path / "state.json"
    posting(receiver, state)
    posting(receiver, state, change())
    headers, body, _ = receiver.requests[0]
    told = {name.lower(): value for name, value in headers.items()}
    signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert told["webhook-signature"] == f"v1,{expected}"
    assert abs(int(told["webhook-timestamp"]) - time.time()) < 60
    assert told["content-type"] == "application/json"
    message = json.loads(body)
    assert message["id"] == told["webhook-id"] == change().id
    assert Change.model_validate(message) == change()
    assert signature(KEY, "a", 1, b"b") != signature(KEY, "a", 2, b"b")
    assert signature(KEY, "a", 1, b"b") != signature(KEY[::-1], "a", 1, b"b")


def test_failures_that_may_pass_are_tried_again_with_growing_waits(receiver, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "TIMEOUT_SECONDS", 5)  # no less: the others must answer within it
    state, waits = tmp_path / "state.json", []
    posting(receiver, state)
    receiver.answers = [500, "stall", "drop", 429]
    assert posting(receiver, state, change(), waits=waits) == (False, ["macro"])
    assert waits == [1.0, 2.0, 4.0, 8.0]
    ids = {headers["webhook-id"] for headers, _, _ in receiver.requests}
    assert len(receiver.requests) == 5
    assert len(ids) == 1, "a repetition can be told by its id"


def test_waits_vary_by_chance_and_heed_retry_after(receiver, tmp_path):
    state, waits = tmp_path / "state.json", []
    posting(receiver, state)
    receiver.answers, receiver.headers = [503], {"retry-after": "7"}
    posting(receiver, state, change(), waits=waits)
    assert waits == [7.0]
    receiver.answers, receiver.headers = [503], {"retry-after": "86400"}
    posting(receiver, state, change("leverage"), waits=waits)
    assert waits[-1] == 60.0
    receiver.answers, receiver.headers = [503], {}
    hook = Webhook(receiver.url, SECRET, sleep=waits.append, jitter=lambda: 0.25)
    post_changes(hook, state, finder(change("etf_flows")), on_posted=lambda _: None)
    assert waits[-1] == 0.625


def test_what_was_not_taken_waits_and_goes_out_first_with_the_next_run(receiver, tmp_path):
    state = tmp_path / "state.json"
    posting(receiver, state)
    receiver.answers = [200, *[500] * 6]
    with pytest.raises(UndertowError, match="it answered 500") as error:
        posting(receiver, state, change("macro"), change("leverage"), change("treasury"))
    assert "goes out with the next run" in error.value.remedy
    assert receiver.taken == ["macro"]
    assert posting(receiver, state, change("etf_flows"))[1] == ["leverage", "treasury", "etf_flows"]
    assert receiver.taken == ["macro", "leverage", "treasury", "etf_flows"]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_an_answer_that_will_stay_is_not_tried_again(receiver, tmp_path, status):
    state = tmp_path / "state.json"
    posting(receiver, state)
    receiver.answers = [status]
    with pytest.raises(UndertowError, match=f"it answered {status}"):
        posting(receiver, state, change())
    assert len(receiver.requests) == 1


def test_nobody_listening_is_told_without_the_path(receiver, tmp_path):
    state = tmp_path / "state.json"
    posting(receiver, state)
    with receiving() as gone:
        pass
    gone_state = tmp_path / "gone.json"
    posting(gone, gone_state)
    with pytest.raises(UndertowError, match="the connection failed") as error:
        posting(gone, gone_state, change())
    assert TOKEN not in str(error.value)
    assert SECRET not in str(error.value)


def test_a_run_that_dies_between_posting_and_noting_repeats_only_under_the_same_id(
    receiver, tmp_path
):
    state = tmp_path / "state.json"
    posting(receiver, state)

    def dies(_):
        raise KeyboardInterrupt

    hook = Webhook(receiver.url, SECRET, sleep=lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        post_changes(hook, state, finder(change(), change("leverage")), on_posted=dies)
    assert posting(receiver, state)[1] == ["leverage"]
    assert receiver.taken == ["macro", "leverage"]


def test_the_state_file_holds_neither_secret_nor_address_and_two_webhooks(receiver, tmp_path):
    state = tmp_path / "state.json"
    posting(receiver, state)
    with receiving() as other:
        assert posting(other, state, change())[0], "another webhook begins anew"
        posting(receiver, state, change())
        assert other.requests == []
    kept = state.read_text()
    assert TOKEN not in kept
    assert base64.b64encode(KEY).decode() not in kept
    assert len(json.loads(kept)["webhooks"]) == 2


def test_a_second_run_beside_the_first_is_refused(receiver, tmp_path):
    state = tmp_path / "state.json"

    def find(_):
        with pytest.raises(UndertowError, match="another run posts with"):
            posting(receiver, state)
        return (), Told()

    hook = Webhook(receiver.url, SECRET)
    assert post_changes(hook, state, find, on_posted=lambda _: None)


@pytest.mark.parametrize("url", ["ftp://host/x", "host/x", "file:///etc/passwd", "http://", "x"])
def test_only_web_addresses_are_posted_to(url):
    with pytest.raises(UsageError, match="--webhook is no http or https address"):
        Webhook(url, SECRET)


@pytest.mark.parametrize("secret", [None, "", "hunter2", "whsec_", "whsec_!!", "whsec_c2hvcnQ="])
def test_a_secret_that_is_none_is_refused_without_being_told(secret):
    with pytest.raises(UsageError, match="UNDERTOW_WEBHOOK_SECRET") as error:
        Webhook("https://desk.example/x", secret)
    assert "whsec_" in error.value.remedy
    assert not secret or secret == "whsec_" or secret not in str(error.value)


def test_a_file_of_another_kind_is_refused(receiver, tmp_path):
    state = tmp_path / "state.json"
    state.write_text('{"layout": 2}')
    with pytest.raises(InputError, match="is no state file of webhooks"):
        posting(receiver, state)
    assert state.read_text() == '{"layout": 2}'


def reading(driver, pressure, lower, upper):
    from nlp.index import Reading

    return Reading(
        driver=driver,
        stories=100,
        tagged=40,
        attention=100.0,
        stance=0.0,
        pressure=pressure,
        lower=lower,
        upper=upper,
        pressure_raw=pressure,
        change=None,
        preceding=0,
        direction="bearish",
        in_base=False,
    )


def test_only_a_pressure_outside_of_the_band_told_last_is_a_change():
    def step(told, week, pressure, lower, upper):
        return changes(told, week, [reading("macro", pressure, lower, upper)], (), as_of=NOW)

    found, told = step(None, "2025-W45", 0.0, -1.0, 1.0)
    assert found == ()
    found, told = step(told, "2025-W46", -0.9, -1.9, 0.1)
    assert found == (), "it drifts, and stays inside of what was told"
    found, told = step(told, "2025-W46", None, None, None)
    assert found == ()
    found, told = step(told, "2025-W47", -1.1, -2.1, -0.1)
    assert [one.name for one in found] == ["macro"]
    assert "left its band: −1.1 in week 47 of 2025" in found[0].sentence
    assert (found[0].before.week, found[0].now.week) == ("2025-W45", "2025-W47")
    again, _ = step(told, "2025-W47", -1.1, -2.1, -0.1)
    assert again == ()


@pytest.fixture(scope="module")
def news_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("webhook") / "news.db"
    with Store.open(f"sqlite:///{path}") as store:
        fill(store, [*usual_news(), *bearish_week()])
    return path


def test_changes_of_a_store_between_two_weeks(news_store):
    with Store.open(f"sqlite:///{news_store}") as store:
        news = open_news(store)
        found, told = find_changes(news, None, until=WEEK_START)
        assert found == ()
        assert {"macro", "composite"} <= told.bands.keys()
        found, after = find_changes(news, told, until=WEEK_START + timedelta(weeks=1))
        assert {one.name for one in found if one.kind == "pressure"} >= {"etf_flows", "composite"}
        turned = {one.name: one for one in found if one.kind == "watch"}
        assert turned["treasury"].state.state == "selling"
        assert "turned from" in turned["treasury"].sentence
        again, _ = find_changes(news, told, until=WEEK_START + timedelta(weeks=1))
        assert [one.id for one in again] == [one.id for one in found]
        assert find_changes(news, after, until=WEEK_START + timedelta(weeks=1))[0] == ()


def undertow(*arguments, folder, **environment):
    done = subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_posts_and_keeps_its_secrets(news_store, receiver, tmp_path):
    def watch(until, *more, **environment):
        call = ("watch", "--webhook", receiver.url, "--db", f"sqlite:///{news_store}")
        environment = {"UNDERTOW_WEBHOOK_SECRET": SECRET} | environment
        return undertow(*call, "--until", until, *more, folder=tmp_path, **environment)

    code, out, _ = watch("2025-11-17")
    assert (code, receiver.requests) == (0, [])
    assert "the next run posts what has changed" in out
    code, out, err = watch("2025-11-24", "--debug", "--log-json")
    assert code == 0, err
    assert out.count("Posted: ") == len(receiver.requests) >= 3
    assert "Nothing has changed" in watch("2025-11-24")[1]
    receiver.answers = [404]
    code, _, failed = watch("2025-12-07", "--debug", "--log-json")
    assert code == 1
    assert "did not take the message: it answered 404" in failed
    for told in (out, err, failed):
        assert TOKEN not in told
        assert base64.b64encode(KEY).decode() not in told
    code, _, told = watch("2025-11-24", UNDERTOW_WEBHOOK_SECRET="no")
    assert (code, told.count("\n")) == (2, 1)


def test_wrong_calls_are_one_line(tmp_path):
    for call, words in (
        (("watch", "--state", "x.json"), "--state is for --webhook alone"),
        (("watch", "--webhook", "http://127.0.0.1:1/", "--json"), "--webhook prints no JSON"),
        (("watch", "--webhook", "ftp://x/"), "--webhook is no http or https address"),
    ):
        code, _, told = undertow(
            *call, folder=tmp_path, UNDERTOW_WEBHOOK_SECRET=SECRET, UNDERTOW_DB="sqlite:///x.db"
        )
        assert (code, told.count("\n")) == (2, 1)
        assert words in told
