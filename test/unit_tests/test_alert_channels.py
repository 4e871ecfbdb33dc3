"""A message goes through every channel, within its time, and no error shows a key."""

import time

import pytest

from alerts import channels, command
from alerts.channels import Address, Message, deliver, send
from alerts.delivery import without_secrets
from config.config import ConfigError, Settings
from ops.evidence import verify
from receivers import free_port, mail_server, silent_server, webhook
from utils.errors import AlertNotSent

MESSAGE = Message("ActStock: 발표가 없습니다", "one line\nand <another> & more")


def test_a_message_is_mailed_and_posted() -> None:
    with mail_server() as box, webhook() as hook:
        assert send([box.url, hook.url], MESSAGE) == ["mailto", "json"]
    [mail], [post], [text] = box.mails, hook.posts, box.texts()
    assert (mail["Subject"], mail["To"]) == (MESSAGE.subject, "person@example.org")
    assert text.splitlines()[:2] == MESSAGE.text.splitlines()
    assert (post["title"], post["message"]) == (MESSAGE.subject, MESSAGE.text)


def test_a_channel_that_fails_is_named_and_the_others_have_the_message() -> None:
    with webhook() as hook, webhook() as broken:
        broken.status = 500
        with pytest.raises(AlertNotSent) as refused:
            send([f"{broken.url}/s3cret-t0ken", f"mailto://u:hunter2@127.0.0.1:{free_port()}", hook.url], MESSAGE)
        assert [post["title"] for post in hook.posts] == [MESSAGE.subject]
    said = str(refused.value)
    assert said.startswith("not sent through json (")
    assert "500" in said and "mailto (" in said and said.endswith("sent through json. The channels are in ALERT_URLS")
    assert not any(secret in said for secret in ("s3cret", "hunter2", "127.0.0.1"))


def test_a_channel_that_says_nothing_is_given_up() -> None:
    began = time.monotonic()
    with silent_server() as port, pytest.raises(AlertNotSent, match=r"mailto \(no answer within 1 s\)"):
        send([f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org"], MESSAGE, seconds=1)
    assert time.monotonic() - began < 12


def test_slow_channels_are_waited_for_at_once_and_keep_nothing_from_a_good_one() -> None:
    with silent_server() as port, webhook() as hook:
        silent = f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org"
        addresses = [Address(url) for url in (silent, hook.url, silent)]
        began = time.monotonic()
        outcomes = list(deliver(addresses, MESSAGE, seconds=4))
        assert time.monotonic() - began < 12
    assert [(each.place, each.problem) for each in outcomes] == [
        *((1, None), (0, "no answer within 4 s"), (2, "no answer within 4 s"))
    ]
    assert len(hook.posts) == 1


def test_a_sending_process_that_is_ended_has_told_what_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "START_SECONDS", -23.0)
    with silent_server() as port, webhook() as hook:
        silent = f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org"
        outcomes = list(deliver([Address(silent), Address(hook.url)], MESSAGE))
    assert [(each.place, each.problem is None) for each in outcomes] == [(1, True), (0, False)]


def problem_with(url: str) -> str:
    [outcome] = deliver([Address(url)], MESSAGE)
    return outcome.problem or ""


def test_it_is_said_why_a_mail_was_not_taken() -> None:
    with mail_server() as box:
        box.refused = {"person@example.org"}
        assert problem_with(box.url) == "{'***@***': (550, b'no such user here')}"
        box.refused = set()
        with_tls = box.url.replace("mailto", "mailtos")
        assert problem_with(with_tls) == "STARTTLS extension not supported by server"
        assert "AUTH extension not supported" in problem_with(box.url.replace("//", "//me:hunter2@"))
    nobody = f"mailto://127.0.0.1:{free_port()}?from=a@example.org&to=b@example.org"
    assert problem_with(nobody).endswith("Connection refused")


@pytest.mark.parametrize("shown", ["pa%2Fss", "pa/ss", "PA/SS"])
def test_no_form_of_a_secret_is_shown(shown: str) -> None:
    assert without_secrets(f"refused: {shown}", "json://me:pa%2Fss@example.org") == "refused: ***"


@pytest.mark.parametrize(("url", "scheme"), [("nonsense://k3y", "nonsense"), ("slack://k3y", "slack")])
def test_an_address_that_apprise_does_not_understand(url: str, scheme: str) -> None:
    with pytest.raises(AlertNotSent, match=rf"{scheme} \(Apprise does not understand") as refused:
        send([url], MESSAGE)
    assert "k3y" not in str(refused.value)


def test_without_a_channel_it_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="ALERT_URLS is not set"):
        send([], MESSAGE)


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("", ()),
        ("json://a/b", ("json://a/b",)),
        ("mailto://h?to=a@b.c,d@e.f, json://a", ("mailto://h?to=a@b.c,d@e.f", "json://a")),
        ("json://a json://b\tjson://c,", ("json://a", "json://b", "json://c")),
    ],
)
def test_channels_stand_with_commas_or_spaces_between(text: str, urls: tuple[str, ...]) -> None:
    assert Settings.from_env({"ALERT_URLS": text}).alerts.urls == urls


def test_what_is_no_channel_is_named_by_its_place_alone() -> None:
    with pytest.raises(ConfigError, match=r"^ALERT_URLS: no\. 1 is not an address") as refused:
        Settings.from_env({"ALERT_URLS": "person@example.org"})
    assert "person" not in str(refused.value)


def test_the_test_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with webhook() as hook:
        monkeypatch.setenv("ALERT_URLS", hook.url)
        assert command.main(["--test"]) == 0
        assert [post["title"] for post in hook.posts] == ["ActStock: a test"]
        assert "sent through json" in capsys.readouterr().out
        monkeypatch.setenv("ALERT_LANGUAGE", "ko")
        assert command.main(["--test"]) == 0
        assert hook.posts[1]["title"] == "ActStock: 시험" and "알림을 받습니다" in hook.posts[1]["message"]
        hook.status = 403
        assert command.main(["--test"]) == 1
        assert capsys.readouterr().err.startswith("error: not sent through json (")
    monkeypatch.delenv("ALERT_URLS")
    assert command.main(["--test"]) == 2
    assert "ALERT_URLS is not set" in capsys.readouterr().err


def test_only_the_head_can_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--send"]) == 2
    assert "verify --send sends what --head prints: give both" in capsys.readouterr().err
