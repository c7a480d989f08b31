"""Everything the user wrote, read in one go: settings, plugins, secrets, rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from postroom.config.advice import advise, advise_on_daemon
from postroom.config.consistency import (
    find_ambiguous_names,
    find_doubled_watches,
    find_lacking_passwords,
    find_relayless,
    find_unfit_certificates,
    find_unknown_accounts,
    find_unplaced_schedules,
    find_unwatched,
    find_wrong_references,
)
from postroom.config.maildrops import (
    advise_on_accounts,
    advise_on_places,
    find_unfit_actions,
    find_wrong_maildirs,
)
from postroom.config.ownplaces import (
    PLUGINS,
    RULES,
    OwnPlaces,
    find_closed_places,
)
from postroom.config.problems import read_toml, tell_problems
from postroom.config.rulefiles import RuleFiles, find_taken_names, read_rule_files
from postroom.config.secrets import AbsentCredential, SecretError, Secrets
from postroom.config.settings import AccountTable, Settings, SharedSmtp, SmtpServer
from postroom.errors import ConfigError, PluginError, Problem
from postroom.hooks.discovery import discover_plugins
from postroom.hooks.plugins import Plugins
from postroom.mail.owner import Owner
from postroom.ports import Ruleset
from postroom.rules.rule import Rule


@dataclass(frozen=True)
class Configuration:
    """What is to be run. `warnings` are what a person should know and can live with."""

    path: Path
    settings: Settings
    plugins: Plugins
    secrets: Secrets
    rules: tuple[Rule, ...]
    ruleset: Ruleset
    warnings: tuple[Problem, ...] = ()

    def owner(self, account: str) -> Owner:
        """For whom the account acts, and through which account's server it sends."""
        table = self.settings.account[account]
        return Owner(
            account,
            table.address,
            table.name,
            self.relay_of(account) or account,
            table.aliases,
        )

    @property
    def own_places(self) -> OwnPlaces:
        """The folders in which nothing of a message is saved."""
        return OwnPlaces.of(self.settings, self.path)

    def relay_of(self, account: str) -> str | None:
        """The account whose submission server it sends through; None without one."""
        smtp = self.settings.account[account].smtp
        if isinstance(smtp, SharedSmtp):
            return smtp.account
        return account if smtp else None


def load_configuration(
    path: Path,
    discover: Callable[[], Plugins] | None = None,
    remembered: Mapping[str, str] = MappingProxyType({}),
) -> Configuration:
    """Read `path`, and the `rules.d` and `plugins` beside it; raises `ConfigError`.

    `discover` gives the plugins, where they need not be looked for. `remembered` tells
    which plugin brought a condition or an action in an earlier run, for example
    `{"condition weekend": "acme"}`: what is wrong with that plugin, or its absence, is
    then a warning, and the rules that name what it brought say what they lack.
    """
    spared = set(remembered.values())
    settings, problems = read_settings(path)
    try:
        plugins = (
            discover() if discover else discover_plugins(plugins_beside(path), spared)
        )
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from error
    files = _read_rules(path, plugins, settings, remembered)
    problems += files.problems
    if settings is None:
        raise ConfigError(problems)
    names = {*plugins.names, *spared}
    problems += _find_inconsistencies(settings, names, files.rules, str(path))
    problems += find_closed_places(settings, path, files.rules)
    secrets = Secrets(plugins.resolve_secret)
    wrong, warnings = _try_secrets(settings.account, secrets, str(path))
    if problems or wrong:
        raise ConfigError([*problems, *wrong])
    warnings += [*plugins.failures, *_warn_of_unread_rules(path, files)]
    warnings += advise_on_daemon(settings, str(path))
    warnings += advise_on_accounts(settings, str(path))
    warnings += advise_on_places(settings, str(path), files.rules)
    warnings += advise(files.rules, settings)
    ruleset = Ruleset(files.texts)
    return Configuration(
        path, settings, plugins, secrets, files.rules, ruleset, tuple(warnings)
    )


def plugins_beside(path: Path) -> Path:
    """The folder of plugins that belongs to a settings file; it may be absent."""
    return path.parent / PLUGINS


def _find_inconsistencies(
    settings: Settings, plugins: Collection[str], rules: Iterable[Rule], file: str
) -> Iterator[Problem]:
    yield from find_wrong_references(settings, plugins, file)
    yield from find_doubled_watches(settings, file)
    yield from find_lacking_passwords(settings, file)
    yield from find_unfit_certificates(settings, file)
    yield from find_wrong_maildirs(settings, file)
    yield from find_relayless(settings, rules)
    yield from find_unfit_actions(settings, rules)
    yield from find_unwatched(settings, rules)
    yield from find_unplaced_schedules(rules)
    yield from find_ambiguous_names(settings, rules)


def _warn_of_unread_rules(path: Path, files: RuleFiles) -> Iterator[Problem]:
    for each in files.passed_over:
        yield Problem(str(each), "it is not read: rules stand in files named *.toml")
    if files.is_absent and not files.rules:
        message = f"there are no rules: {path.parent / RULES} is not there"
        yield Problem(str(path), message)


def read_settings(path: Path) -> tuple[Settings | None, list[Problem]]:
    """The settings, or None and what is wrong with them."""
    tables, _, problems = read_toml(path)
    if problems:
        return None, problems
    try:
        return Settings.model_validate(tables), []
    except ValidationError as error:
        return None, list(tell_problems(error, Settings, str(path)))


def _read_rules(
    path: Path,
    plugins: Plugins,
    settings: Settings | None,
    remembered: Mapping[str, str],
) -> RuleFiles:
    """The rules of the folder, then those that plugins bring."""
    accounts = settings.account if settings else _AnyName()
    files = read_rule_files(path.parent / RULES, plugins, accounts, remembered)
    if settings is None:  # nor can a plugin's options be read
        return files
    try:
        brought = plugins.provide_rules(settings.plugin)
    except PluginError as error:
        problem = Problem(f"plugin {error.plugin}", str(error))
        return replace(files, problems=(*files.problems, problem))
    problems = [
        *files.problems,
        *find_taken_names(brought, files.rules),
        *find_unknown_accounts(settings, brought),
    ]
    return replace(files, rules=(*files.rules, *brought), problems=tuple(problems))


class _AnyName(frozenset[str]):
    """Has every name: where the settings can't be read, rules are not blamed for it."""

    def __contains__(self, name: object) -> bool:
        return True


def _try_secrets(
    accounts: Mapping[str, AccountTable], secrets: Secrets, file: str
) -> tuple[list[Problem], list[Problem]]:
    """Resolve every secret once; what is wrong, and what only the unit can tell."""
    wrong: list[Problem] = []
    warnings: list[Problem] = []
    for name, account in accounts.items():
        for place, reference in _references(account):
            key = f"account.{name}.{place}"
            try:
                secrets.resolve(reference)
            except AbsentCredential as error:
                warnings.append(Problem(file, str(error), key=key))
            except SecretError as error:
                wrong.append(Problem(file, str(error), key=key))
    return wrong, warnings


def _references(account: AccountTable) -> Iterator[tuple[str, str]]:
    if account.password:
        yield "password", account.password
    if account.server.password:
        yield f"{account.kind}.password", account.server.password
    if isinstance(account.smtp, SmtpServer) and account.smtp.password:
        yield "smtp.password", account.smtp.password
