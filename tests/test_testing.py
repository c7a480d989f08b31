"""What authors test with behaves as the daemon does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from types import ModuleType

import pytest

from postroom import (
    Action,
    Condition,
    Effect,
    Ended,
    FileInto,
    Message,
    Perform,
    PermanentError,
    PluginError,
    Response,
    Services,
    TemporaryError,
    hookimpl,
)
from postroom.errors import ConfigError
from postroom.hooks.hookspecs import RegisterAction, RegisterCondition
from postroom.mail.message import DepthError
from postroom.rules.plan import PlannedEffect
from postroom.testing import (
    NOON,
    SampleServices,
    gathered,
    holds,
    make_message,
    performed,
    plan,
)


class Known(Condition):
    """Its sender is in a file."""

    depth = "headers"
    file: str = "known"

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """Look it up."""
        known = (await services.files.read(self.file) or b"").decode().split()
        for message in messages:
            sender = message.header.addresses("From")[0].address
            message.facts["known"] = sender in known

    def holds(self, message: Message) -> bool:
        """True if it was found."""
        return bool(message.facts.get("known"))


class Greedy(Condition):
    """It reads a body without saying so."""

    depth = "headers"

    def holds(self, message: Message) -> bool:
        """Read it."""
        return "x" in message.text


class Note(Action):
    """Notes the text in a file."""

    file: str

    def effects(self, message: Message) -> list[Effect]:
        """Have it noted."""
        return [Perform(message.text)]

    async def perform(self, payload: str, services: Services) -> None:
        """Note it."""
        await services.files.append(self.file, payload.encode())


@hookimpl
def register_conditions(register: RegisterCondition) -> None:
    """Bring them."""
    register("known", Known)
    register("greedy", Greedy)


@hookimpl
def register_actions(register: RegisterAction) -> None:
    """Bring it."""
    register("note", Note)


PLUGIN = ModuleType("postroom_sample")
vars(PLUGIN).update(
    register_conditions=register_conditions, register_actions=register_actions
)


def one_rule(when: str, then: str) -> str:
    return f'[[rule]]\nname = "it"\nwhen = {{ {when} }}\nthen = [ {{ {then} }} ]\n'


def test_a_message_is_made_of_its_parts() -> None:
    message = make_message(
        from_="Bob <bob@a.example>",
        subject="Grüße",
        body="Hé\n",
        headers={"List-Id": "<l.example>"},
        attachments={"bill.pdf": b"%PDF"},
        flags=["\\Seen"],
        mailbox="Lists",
    )
    assert message.subject == "Grüße"
    assert message.header.addresses("From")[0].address == "bob@a.example"
    assert message.header.text("List-Id") == "<l.example>"
    assert "Hé" in message.text
    assert message.attachments == ("bill.pdf",)
    assert message.flags == {"\\Seen"}
    assert (message.key.mailbox, message.received) == ("Lists", NOON)
    assert message.size == len(message.raw)


def test_a_message_is_read_from_its_text() -> None:
    message = make_message("Subject: Hi\r\n\r\nBody")
    assert (message.subject, message.text) == ("Hi", "Body")
    assert make_message(b"Subject: \xff\r\n\r\n").raw == b"Subject: \xff\r\n\r\n"


def test_a_condition_sees_no_more_than_it_declares() -> None:
    with pytest.raises(DepthError, match="declares depth = 'headers'"):
        holds(Greedy(), make_message())
    with pytest.raises(PluginError, match="declares depth = 'headers'"):
        plan(one_rule("greedy = true", "flag = true"), make_message(), PLUGIN)


def test_rules_are_read_and_decided_with_the_plugin_and_the_bundled_ones() -> None:
    rules = one_rule('subject = "hello", body = "hello"', 'note = "x", move = "There"')
    made = plan(rules, make_message(), PLUGIN)
    assert [each.effect for each in made.effects][1] == FileInto("There")
    wanted = made.effects[0].effect
    assert isinstance(wanted, Perform)
    assert (wanted.action, wanted.payload) == ("note", "Hello.\r\n")


def test_what_is_wrong_with_rules_is_told() -> None:
    with pytest.raises(ConfigError, match="there is no condition 'knwon'"):
        plan(one_rule("knwon = true", "flag = true"), make_message(), PLUGIN)


def test_an_installed_plugin_may_be_given_as_well() -> None:
    import postroom_filter

    made = plan(one_rule('subject = "hello"', "flag = true"), make_message())
    again = plan(
        one_rule('subject = "hello"', "flag = true"), make_message(), postroom_filter
    )
    assert made == again


def test_what_was_gathered_counts_in_a_plan() -> None:
    services = SampleServices()
    services.files.kept["known"] = b"ann@example.org"
    messages = [make_message(), make_message(from_="bob@a.example")]
    asyncio.run(gathered(Known(), messages, services))
    assert [holds(Known(), each) for each in messages] == [True, False]
    rules = one_rule("known = 'known'", "flag = true")
    assert [plan(rules, each, PLUGIN).matched for each in messages] == [("it",), ()]


def test_what_fails_to_gather_is_raised() -> None:
    services = SampleServices()
    message = make_message(headers={"From": ""})
    with pytest.raises(PluginError, match="IndexError"):
        asyncio.run(gathered(Known(), [message], services))


def test_a_planned_effect_is_performed() -> None:
    services = SampleServices()
    rules = one_rule("", 'note = "x"')
    (planned,) = plan(rules, make_message(), PLUGIN).effects
    asyncio.run(performed(Note(file="x"), planned, services))
    asyncio.run(performed(Note(file="x"), planned.effect, services))  # type: ignore[arg-type] # it is a Perform
    assert services.files.kept == {"x": b"Hello.\r\nHello.\r\n"}
    other = PlannedEffect("key", "it", FileInto("There"))
    with pytest.raises(TypeError, match="expected a Perform, not FileInto"):
        asyncio.run(performed(Note(file="x"), other, services))


def test_files_refuse_the_names_that_the_daemon_refuses() -> None:
    with pytest.raises(PermanentError, match="is no name for a file"):
        asyncio.run(SampleServices().files.write("../x", b""))


def test_places_refuse_and_number_as_the_daemon_does() -> None:
    services = SampleServices(key="k1")

    async def work() -> list[str]:
        write, folder = services.places.write, "/srv/acme"
        with pytest.raises(PermanentError, match="is no name for a file"):
            await write(folder, ["a/b"], "x", b"")
        with pytest.raises(PermanentError, match="nothing is saved in '/'"):
            await services.places.deliver("/", "INBOX", b"", NOON)
        with pytest.raises(TemporaryError, match="the quota is 2"):
            await write(folder, [], "x", b"one", quota=2)
        await services.places.deliver(folder, "INBOX", b"it", NOON)
        await services.places.deliver(folder, "INBOX", b"it", NOON)
        return [await write(folder, ["a"], "x", b) for b in (b"1", b"2", b"1")]

    paths = asyncio.run(work())
    assert paths == ["/srv/acme/a/x", "/srv/acme/a/x (2)", "/srv/acme/a/x"]
    assert services.places.mail == {("/srv/acme", "INBOX"): {"k1": b"it"}}


def test_memory_forgets_by_the_clock_that_a_test_sets() -> None:
    services = SampleServices()
    asyncio.run(services.remember.put("a", "b", timedelta(days=1)))
    assert asyncio.run(services.remember.get("a")) == "b"
    services.time += timedelta(days=1)
    assert asyncio.run(services.remember.get("a")) is None


def test_the_web_and_programs_answer_as_a_test_says() -> None:
    services = SampleServices()
    services.http.answers["https://a.example/"] = Response(200, b"yes")
    services.http.answers["https://b.example/"] = TemporaryError("gone")
    services.run.answers["/bin/scan"] = Ended(1, b"found")

    async def work() -> None:
        assert (await services.http.get("https://a.example/")).content == b"yes"
        with pytest.raises(TemporaryError, match="gone"):
            await services.http.post("https://b.example/", b"it")
        assert (await services.run(["/bin/scan", "-"], b"octets")).status == 1
        with pytest.raises(LookupError, match=r"no answer for https://c\.example/"):
            await services.http.get("https://c.example/")

    asyncio.run(work())
    asked = [(each.method, each.url, each.content) for each in services.http.requests]
    assert asked[:2] == [
        ("GET", "https://a.example/", b""),
        ("POST", "https://b.example/", b"it"),
    ]
    (start,) = services.run.starts
    assert (start.arguments, start.content) == (("/bin/scan", "-"), b"octets")
