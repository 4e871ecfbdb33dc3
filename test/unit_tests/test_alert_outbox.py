"""Each channel and each recipient has a message once, whatever becomes of the others."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from alert_cases import FINE, NOW, REASON, RULES, SESSION, ledger, run
from alerts import command, journal, outbox, watcher
from alerts.channels import Address, Message, Outcome, deliver
from alerts.entries import Entry
from alerts.incidents import incidents
from alerts.observed import Doubtful, Observed, Service, WaitingBar
from alerts.outbox import KEPT, LONGEST_WAIT, TRY_AGAIN, Outbox, letter_of, letter_with
from config.config import Settings
from receivers import MailBox, Webhook, mail_server, webhook

MESSAGE = Message("ActStock: a test", "one line")
FAILED = ledger(runs=[run("failed", 5)])
AWAY = replace(FINE, database="away", ledger=None)


class Seen(watcher.Watcher):
    """A watcher that sees what it is shown."""

    shown = FINE

    def look(self, now: object) -> Observed:
        return self.shown

    def see(self, minutes: float, shown: Observed) -> None:
        now = NOW + timedelta(minutes=minutes)
        self.shown = replace(shown, now=now, market_now=None)
        self.round(now)


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Seen]:
    """Return what starts a watcher that tells through some channels."""

    def start(*urls: str) -> Seen:
        monkeypatch.setenv("ALERT_URLS", " ".join(urls))
        monkeypatch.setenv("ALERT_FOLDER", str(tmp_path))
        return Seen(Settings.from_env())

    return start


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as hook:
        yield hook


@pytest.fixture
def box() -> Iterator[MailBox]:
    with mail_server() as box:
        yield box


def subjects(hook: Webhook) -> list[str]:
    return [post["title"].removeprefix("ActStock: ").partition(" of ")[0] for post in hook.posts]


def mails(box: MailBox) -> list[tuple[str, str]]:
    return [(mail["To"], mail["Subject"].removeprefix("ActStock: ").partition(" of ")[0]) for mail in box.mails]


def test_a_recipient_who_is_refused_keeps_nothing_from_the_others(
    watching: Callable[..., Seen], box: MailBox, tmp_path: Path
) -> None:
    box.refused = {"gone@example.org"}
    watch = watching(f"{box.url},gone@example.org")
    down = replace(FINE, services=[Service("dashboard", False, 1)])
    for minute in range(20):
        failed = replace(down, ledger=FAILED.ledger) if minute >= 3 else down
        watch.see(minute, failed)
    assert mails(box) == [
        ("person@example.org", "the service dashboard is down"),
        ("person@example.org", "3 Trending"),
    ]
    assert "2 open" in command.state_of(tmp_path)
    assert "not sent through mailto: {'***@***': (550, b'no such user here')}" in command.state_of(tmp_path)
    for minute in range(20, 40):
        watch.see(minute, FINE)
    assert [subject for _, subject in mails(box)[2:]] == [
        "over: 3 Trending",
        "over: the service dashboard is down",
    ]
    box.refused = set()
    for minute in range(40, 110):
        watch.see(minute, FINE)
    assert [who for who, _ in mails(box)[4:]] == ["gone@example.org"] * 2
    assert "not sent" not in command.state_of(tmp_path)


def bar(number: int) -> WaitingBar:
    return WaitingBar(f"{number:03d}930.KS", SESSION, NOW, [{"code": "text", "params": {"text": "x" * 60}}])


def test_a_message_that_is_refused_holds_up_none(watching: Callable[..., Seen], hook: Webhook) -> None:
    hook.longest = 4096
    watch = watching(hook.url)
    watch.see(0, ledger(waiting_bars=[bar(number) for number in range(40)]))
    assert hook.posts == [] and len(watch._journal.outbox.letters) == 1
    for minute in range(1, 5):
        watch.see(minute, replace(ledger(waiting_bars=[bar(number) for number in range(40)]), database="away"))
    assert subjects(hook) == ["the database cannot be read: away"]


def test_a_message_is_split_where_the_channel_takes_no_more(hook: Webhook) -> None:
    message = Message("ActStock: long", "\n".join(f"line {number}" for number in range(4000)))
    assert [each.problem for each in deliver([Address(hook.url)], message)] == [None]
    assert len(hook.posts) == 2 and hook.posts[-1]["message"].rstrip().endswith("line 3999")
    hook.posts.clear()
    [cut] = deliver([Address(f"{hook.url}?overflow=truncate")], message)
    assert cut.problem is None and len(hook.posts) == 1


def test_the_pieces_that_were_taken_are_not_sent_again(hook: Webhook) -> None:
    message = Message("ActStock: long", "x" * 40_000 + "\n" + "y" * 100)
    hook.longest = 20_000
    [first] = deliver([Address(hook.url)], message)
    assert first.problem and len(hook.posts) == 1
    hook.longest = 10**6
    [second] = deliver([Address(hook.url, first.taken)], message)
    assert second.problem is None and len(hook.posts) == 2
    assert "y" in hook.posts[0]["message"] and "y" not in hook.posts[1]["message"]


def test_what_was_over_before_a_channel_was_back_is_one_message(
    watching: Callable[..., Seen], hook: Webhook, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = watching(hook.url)
    hook.status = 500
    for minute in range(60):
        watch.see(minute, AWAY if 5 <= minute < 40 else FINE)
        if minute == 30:
            assert command.state_of(tmp_path).startswith("1 open")
            assert command.main([]) == 0
            shown = capsys.readouterr().out
            assert "the database cannot be read: away" in shown and "not taken by every channel" in shown
    hook.status = 200
    for minute in range(60, 130):
        watch.see(minute, FINE)
    [post] = hook.posts
    assert post["title"] == "ActStock: over: the database cannot be read: away"
    assert post["message"].endswith("Over at 2026-08-24 16:40 UTC, after 35 minutes.")
    assert "0 open" in command.state_of(tmp_path) and "not sent" not in command.state_of(tmp_path)


def test_a_channel_is_tried_again_ever_later(watching: Callable[..., Seen], hook: Webhook) -> None:
    watch = watching(hook.url)
    hook.status = 500
    tried = []
    for minute in range(0, 300, 5):
        before = watch._journal.outbox.letters and watch._journal.outbox.letters[0].lacking[0].tries
        watch.see(minute, FAILED)
        if watch._journal.outbox.letters[0].lacking[0].tries != before:
            tried.append(minute)
    assert tried == [0, 5, 15, 35, 75, 135, 195, 255]
    assert timedelta(minutes=5) == TRY_AGAIN and timedelta(minutes=60) == LONGEST_WAIT


def test_a_stop_between_two_channels_repeats_nothing(
    watching: Callable[..., Seen], hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(addresses: Iterable[Address], message: Message) -> Iterator[Outcome]:
        yield next(deliver([next(iter(addresses))], message))
        raise SystemExit

    with webhook() as slow:
        watch = watching(hook.url, slow.url)
        monkeypatch.setattr(outbox, "deliver", stopped)
        with pytest.raises(SystemExit):
            watch.see(0, FAILED)
        monkeypatch.setattr(outbox, "deliver", deliver)
        again = watching(hook.url, slow.url)
        again.see(1, FAILED)
        assert (subjects(hook), subjects(slow)) == (["3 Trending"], ["3 Trending"])


def test_a_stop_between_two_messages_repeats_nothing(
    watching: Callable[..., Seen], hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Message] = []

    def stopped(addresses: Iterable[Address], message: Message) -> Iterator[Outcome]:
        if sent:
            raise SystemExit
        sent.append(message)
        return deliver(addresses, message)

    both = replace(FAILED, services=[Service("api", True, 9)])
    monkeypatch.setattr(outbox, "deliver", stopped)
    with pytest.raises(SystemExit):
        watching(hook.url).see(0, both)
    monkeypatch.setattr(outbox, "deliver", deliver)
    watching(hook.url).see(1, both)
    assert subjects(hook) == ["the service api has started 9 times within 15 minutes", "3 Trending"]


def test_the_outbox_survives_a_restart(watching: Callable[..., Seen], hook: Webhook, tmp_path: Path) -> None:
    hook.status = 500
    watch = watching(hook.url)
    watch.see(0, ledger(doubtful=[Doubtful(SESSION, NOW, REASON)]))
    assert journal.read(tmp_path / journal.FILE) == watch._journal
    assert len(watch._journal.outbox.letters) == 1


def test_what_has_been_is_kept_for_a_week_and_what_goes_on_for_longer() -> None:
    [incident] = incidents(FAILED, RULES)["stage_failed"]
    goes_on = letter_of([Entry(incident, NOW, NOW)], 1, NOW)
    over = letter_of([Entry(incident, NOW, NOW, over_at=NOW)], 1, NOW)
    kept = Outbox([goes_on, over, letter_with(MESSAGE, 1, NOW)])
    for _ in kept.send(["json://127.0.0.1:1/"], "en", NOW + KEPT):
        pass
    assert kept.letters == [goes_on]


def test_channels_that_are_no_more_are_not_waited_for(watching: Callable[..., Seen], hook: Webhook) -> None:
    hook.status = 500
    watching(hook.url, hook.url).see(0, FAILED)
    again = watching(hook.url)
    again.see(1, FAILED)
    assert [list(letter.lacking) for letter in again._journal.outbox.letters] == [[0]]


def test_a_channel_that_has_a_message_has_it_wherever_its_address_stands(
    watching: Callable[..., Seen], hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    with webhook() as dead:
        dead.status = 500
        watching(dead.url, hook.url).see(0, FAILED)
        watching(hook.url).see(10, FAILED)
    assert subjects(hook) == ["3 Trending"]
    assert "1 messages are not sent to channels that ALERT_URLS no longer has" in caplog.text


def test_a_channel_has_what_it_lacks_once_another_is_taken_out(watching: Callable[..., Seen], hook: Webhook) -> None:
    with webhook() as good:
        hook.status = 500
        watching(good.url, hook.url).see(0, FAILED)
        hook.status = 200
        watching(hook.url).see(10, FAILED)
    assert subjects(hook) == ["3 Trending"]


def test_a_channel_whose_address_is_corrected_has_what_it_lacks(watching: Callable[..., Seen], hook: Webhook) -> None:
    with webhook() as good:
        wrong = hook.url.replace("127.0.0.1", "127.0.0.2")
        watching(wrong, good.url).see(0, FAILED)
        watching(hook.url, good.url).see(10, FAILED)
        assert (subjects(hook), subjects(good)) == (["3 Trending"], ["3 Trending"])


def test_a_journal_without_the_channels_is_read_by_their_places(
    watching: Callable[..., Seen], hook: Webhook, tmp_path: Path
) -> None:
    hook.status = 500
    watch = watching(hook.url)
    watch.see(0, FAILED)
    watch._journal.outbox.channels = []
    watch._save()
    hook.status = 200
    watching(hook.url).see(10, FAILED)
    assert subjects(hook) == ["3 Trending"]


def test_the_journal_holds_no_address(watching: Callable[..., Seen], hook: Webhook, tmp_path: Path) -> None:
    hook.status = 500
    watching(f"{hook.url}?secret=t0p-k3y").see(0, FAILED)
    kept = (tmp_path / journal.FILE).read_text()
    assert "127.0.0.1" not in kept and "t0p-k3y" not in kept
