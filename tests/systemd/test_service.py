"""postroom as a service of a booted systemd: started, reloaded, killed, stopped."""

from __future__ import annotations

from threading import Event

from tests.servers.programs import wait_until
from tests.systemd.resident import RULES, Resident

NEVER_READ = RULES.replace("then =", "than =", 1)


def test_it_starts_reads_its_credential_and_files_mail(resident: Resident) -> None:
    resident.start()
    resident.deliver("bill", 1, 2, 3)
    resident.wait_until_filed("Bills", 3)
    shown = resident.machine.show(resident.unit)
    assert (shown["ActiveState"], shown["SubState"]) == ("active", "running")
    assert shown["StatusText"]


def test_nobody_else_may_see_what_it_has(resident: Resident) -> None:
    resident.start()
    state = resident.machine.root / "var/lib/private/postroom"
    assert state.stat().st_mode & 0o777 == 0o700
    assert state.stat().st_uid >= 61184  # a user for the time it runs: systemd.exec(5)
    socket = resident.machine.root / "run/postroom"
    assert socket.stat().st_mode & 0o777 == 0o700
    for path in state.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_root_asks_it_how_it_is(resident: Resident) -> None:
    resident.start()
    resident.deliver("bill", 1)
    resident.wait_until_filed("Bills", 1)
    program = "/opt/postroom/bin/postroom"
    assert "home" in resident.machine.run(program, "status")
    resident.machine.run(program, "poll", "home")


def test_a_reload_takes_good_rules_and_refuses_bad_ones(resident: Resident) -> None:
    resident.start()
    resident.write_rules(NEVER_READ)
    resident.machine.systemctl("reload", resident.unit)
    resident.machine.wait_for("reload_refused", resident.unit)
    resident.deliver("bill", 1)
    resident.wait_until_filed("Bills", 1)
    resident.write_rules(RULES.replace("Bills", "Paid"))
    resident.machine.systemctl("reload", resident.unit)
    resident.machine.wait_for("reloaded", resident.unit)
    resident.deliver("bill", 2)
    resident.wait_until_filed("Paid", 1)
    assert resident.shown("NRestarts") == "0"


def test_it_is_started_again_when_it_is_killed_and_loses_nothing(
    resident: Resident,
) -> None:
    resident.start()
    first = resident.shown("MainPID")
    resident.deliver("bill", *range(10))
    resident.machine.systemctl("kill", "--signal=SIGKILL", resident.unit)
    resident.deliver("bill", *range(10, 20))
    resident.wait_until_filed("Bills", 20)
    assert resident.shown("NRestarts") == "1"
    assert resident.shown("MainPID") not in (first, "0")


def test_wrong_settings_are_not_tried_again_and_are_told(resident: Resident) -> None:
    resident.write_rules(NEVER_READ)
    resident.machine.systemctl("start", resident.unit, status=1)
    shown = resident.machine.show(resident.unit)
    assert (shown["ActiveState"], shown["Result"]) == ("failed", "exit-code")
    assert (shown["ExecMainStatus"], shown["NRestarts"]) == ("78", "0")
    told = resident.machine.systemctl("status", resident.unit, status=3)
    assert "than" in told


def test_a_stop_finishes_the_message_that_is_being_sent(resident: Resident) -> None:
    """The relay takes its time for the final dot; systemd waits for that."""
    asked, answering = Event(), Event()

    def think() -> None:
        asked.set()
        answering.wait(60)

    resident.sink.before_acceptance = think
    resident.start()
    resident.deliver("plan", 1)
    assert asked.wait(60)
    resident.machine.systemctl("stop", "--no-block", resident.unit)
    wait_until(lambda: resident.shown("SubState") == "stop-sigterm", "a stop")
    answering.set()
    wait_until(lambda: resident.shown("ActiveState") == "inactive", "its end", 60)
    assert resident.shown("Result") == "success"
    assert len(resident.sink.received) == 1
    resident.start()
    resident.deliver("bill", 2)
    resident.wait_until_filed("Bills", 1)
    assert len(resident.sink.received) == 1


def test_the_journal_is_asked_by_account_rule_and_message(resident: Resident) -> None:
    resident.start()
    resident.deliver("bill", 1)
    resident.wait_until_filed("Bills", 1)
    resident.machine.wait_for("message_handled", resident.unit)
    matches = ("-u", resident.unit, "ACCOUNT=home", "RULE=Bills are filed")
    (entry,) = resident.machine.journal(*matches)
    assert entry["MESSAGE_ID"] == "<1.bill@example.org>"
    assert entry["MESSAGE"].startswith("message_handled account=home mailbox=INBOX")
    assert entry["PRIORITY"] == "6"
    assert entry["SYSLOG_IDENTIFIER"] == "postroom"
    assert not resident.machine.journal("-u", resident.unit, "ACCOUNT=work")
