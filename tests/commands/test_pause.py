"""`pause`, `resume`, `release`, `poll` and `reload`, with a daemon and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from postroom.ports import Hold, HoldKind
from tests.commands.attended import run_attended, while_running, with_store
from tests.commands.test_maildrop import furnish
from tests.commands.workplace import RULES, Ended, Workplace

Run = Callable[..., Ended]


def holds(workplace: Workplace) -> list[Hold]:
    """What is held, as the store has it; it is made if it is not there."""
    return with_store(workplace, lambda store: store.holds())


@pytest.fixture(params=["attended", "alone"])
def run(request: pytest.FixtureRequest, workplace: Workplace) -> Run:
    """Runs a command while a daemon runs, or with a store that nobody has."""
    assert holds(workplace) == []
    if request.param == "alone":
        return workplace.run
    return lambda *arguments: run_attended(workplace, *arguments)


def test_a_rule_is_paused_and_resumed(workplace: Workplace, run: Run) -> None:
    done = run("pause", "Rest")
    assert done.code == 0, done
    assert done.out.startswith("rule Rest is held since 2")
    assert "paused by its owner\nIt goes on with: postroom resume 'Rest'" in done.out
    (hold,) = holds(workplace)
    assert (hold.kind, hold.name) == (HoldKind.RULE, "Rest")
    done = run("resume", "Rest")
    assert (done.code, done.out) == (0, "rule Rest goes on\n")
    assert holds(workplace) == []


def test_release_is_for_rules_alone(workplace: Workplace, run: Run) -> None:
    assert run("pause", "home").code == 0
    done = run("release", "home")
    assert done.code == 2
    assert "there is no rule 'home'" in done.err
    assert [hold.kind for hold in holds(workplace)] == [HoldKind.ACCOUNT]


def test_the_first_reason_stays(workplace: Workplace, run: Run) -> None:
    first = run("pause", "Rest").out
    assert run("pause", "Rest").out == first


def test_an_unknown_name_is_answered_with_the_nearest(run: Run) -> None:
    done = run("pause", "Reste")
    assert done.code == 2
    assert "there is no account or rule 'Reste'; did you mean 'Rest'?" in done.err
    assert "did you mean 'home'?" in run("pause", "hom").err
    assert run("release", "Reste").code == 2


def test_what_is_not_held_can_not_be_released(run: Run) -> None:
    done = run("release", "Rest")
    assert (done.code, done.err) == (1, "rule 'Rest' is not held\n")


def test_an_account_that_is_not_paused_is_resumed_all_the_same(run: Run) -> None:
    """Its refused credentials are tried again."""
    assert run("resume", "home").code == 0


def test_a_hold_of_a_rule_that_is_gone_can_be_ended(workplace: Workplace) -> None:
    assert holds(workplace) == []
    assert workplace.run("pause", "Rest").code == 0
    workplace.write(rules="")
    assert workplace.run("release", "Rest").code == 0
    assert holds(workplace) == []


def test_an_account_can_be_paused_while_the_rules_are_wrong(
    workplace: Workplace,
) -> None:
    assert holds(workplace) == []
    workplace.write(rules="[[rule]\n")
    assert workplace.run("pause", "home").code == 0


def test_before_the_first_run_nothing_is_made(workplace: Workplace) -> None:
    """It would belong to whoever asks, and not to the daemon."""
    done = workplace.run("pause", "home")
    assert done.code == 1
    assert "nothing was run yet" in done.err
    assert not (workplace.folder / "state").exists()


def test_a_paused_account_is_not_polled(workplace: Workplace) -> None:
    def steps() -> list[Ended]:
        commands = (("pause", "home"), ("poll", "home"), ("poll", "--all"))
        return [workplace.run(*command) for command in commands]

    _, one, every = while_running(workplace, steps)
    assert (one.code, one.err) == (1, "account home is paused: resume it first\n")
    assert (every.code, every.out) == (0, "no account is looked at: all are paused\n")


def test_poll_wants_accounts_that_there_are(workplace: Workplace) -> None:
    done = run_attended(workplace, "poll", "hom")
    assert done.code == 2
    assert "there is no account 'hom'; did you mean 'home'?" in done.err
    assert workplace.run("poll").code == 2
    assert workplace.run("poll", "home", "--all").code == 2


@pytest.mark.parametrize("command", [["poll", "home"], ["reload"]], ids=str)
def test_without_a_daemon_there_is_nothing_to_do(
    workplace: Workplace, command: list[str]
) -> None:
    done = workplace.run(*command)
    assert done.code == 1
    assert done.err == f"no daemon runs: there is nothing to {command[0]}\n"


def test_reload_refuses_a_maildir_that_can_not_be_written(workplace: Workplace) -> None:
    """In the words of `check --connect`; what was there before is not looked at."""
    folder = workplace.folder
    for name in ("mail", "other"):
        (folder / name).mkdir()
        (folder / name / "tmp").touch()
    furnish(workplace, more=f'maildir = "{folder}/mail"')

    def steps() -> list[Ended]:
        unchanged = workplace.run("reload")
        furnish(workplace, more=f'maildir = "{folder}/other"')
        return [unchanged, workplace.run("reload")]

    unchanged, changed = while_running(workplace, steps)
    assert unchanged.code == 0
    told = f"account.isp.maildir: {folder}/other/tmp is no folder"
    assert changed.code == 78
    assert told in changed.err
    assert told in workplace.run("check", "--connect").out


def test_reload_takes_up_new_rules(workplace: Workplace) -> None:
    def steps() -> Ended:
        workplace.write(rules='[[rule]]\nname = "New"\nthen = [ { flag = true } ]\n')
        assert (workplace.run("pause", "New").code) == 2
        assert workplace.run("reload").out == "reloaded\n"
        return workplace.run("pause", "New")

    assert while_running(workplace, steps).code == 0


def test_a_reload_of_wrong_rules_tells_every_problem(workplace: Workplace) -> None:
    def steps() -> tuple[Ended, Ended]:
        workplace.write(rules=RULES.replace("subject", "subjekt"))
        return workplace.run("reload"), workplace.run("pause", "Rest")

    refused, paused = while_running(workplace, steps)
    assert refused.code == 78
    assert "there is no condition 'subjekt'; did you mean 'subject'?" in refused.err
    assert "goes on with what it had" in refused.err
    assert paused.code == 0
