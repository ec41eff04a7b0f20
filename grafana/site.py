"""A Grafana over HTTP, as far as a push needs it; its refusals in words that a person can act on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException

from grafana.bundle import Json
from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret

TIMEOUT_S = 15.0
RIGHT_TOKEN = "make one in Grafana under Administration, Service accounts, with the role Editor"  # noqa: S105
RIGHT_ROLE = "give its service account the role Editor, or the right on the folder"
TOKEN = "E3P_GRAFANA_TOKEN, or grafana.token_file"  # noqa: S105 - no token

T = TypeVar("T")


class Trouble(Exception):
    """Grafana is away, fails, or was changed meanwhile: nothing is wrong with what was asked."""


class NotAllowed(UserError):
    """The token is good, and may not do this."""


ANSWERS: dict[int, tuple[type[Exception], str]] = {
    0: (Trouble, f"no answer within {TIMEOUT_S:g} s to {{what}}"),
    401: (UserError, f"the token is refused ({{said}}); {RIGHT_TOKEN}, and set {TOKEN}"),
    403: (NotAllowed, f"this token may not {{what}} ({{said}}); {RIGHT_ROLE}"),
    404: (UserError, "nothing there to {what} ({said}); the URL of Grafana's start page is due"),
    409: (Trouble, "cannot {what}: changed meanwhile, nothing overwritten ({said}); push again"),
    412: (Trouble, "cannot {what}: changed meanwhile, nothing overwritten ({said}); push again"),
}
"""By status (0: none came): who can mend it, and what to say."""
FAILED = (Trouble, "fails to {what} ({said}); its own log says why, and a new push goes on from here")
REFUSED = (UserError, "refuses to {what} ({said})")


class Held(NamedTuple):
    """A dashboard as Grafana holds it, and what it says about it."""

    model: Json
    meta: Json


class Site:
    """One Grafana, with the rights of one token. `UserError` is for a person, `Trouble` for time to mend."""

    def __init__(self, url: str, token: Secret | None, ca: str | None = None) -> None:
        self.url = _checked(url)
        if token is None:
            raise UserError(f"{self.url}: no token for it: set {TOKEN}; {RIGHT_TOKEN}")
        api = GrafanaApi.from_url(f"{self.url}/", token.reveal(), TIMEOUT_S)
        if ca is not None:
            api.client.verify = ca
        self._api = api

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *exception: object) -> None:
        self._api.client.s.close()

    def version(self) -> str:
        """Grafana's own version; without a token, so that a wrong URL is told from a wrong token."""
        said = self._ask("say its version", lambda: self._api.client.GET("/health"))
        if not isinstance(said, dict) or "database" not in said:
            raise UserError(f"{self.url}: what answers there is no Grafana; the URL of its start page is due")
        return str(said.get("version", "hidden"))

    def folders(self) -> list[Json]:
        """Every folder at the top that the token may see."""
        found: list[Json] = self._ask("see folders", self._api.folder.get_all_folders)
        return found

    def folder(self, uid: str) -> Json | None:
        """A folder, and what the token may do in it."""
        return self._find("see the folder", lambda: self._api.folder.get_folder(uid))

    def make_folder(self, title: str, uid: str) -> None:
        """Makes a folder at the top."""
        self._ask(f"make the folder {title!r}", lambda: self._api.folder.create_folder(title, uid))

    def source(self, uid: str) -> Json | None:
        """A data source without its secrets."""
        what = f"read the data source {uid!r}"
        return self._find(what, lambda: self._api.datasource.get_datasource_by_uid(uid))

    def save_source(self, source: Json, *, new: bool) -> None:
        """Makes or changes a data source."""
        sources = self._api.datasource
        if new:
            self._ask("make a data source", lambda: sources.create_datasource(source))
        else:
            update = lambda: sources.update_datasource_by_uid(source["uid"], source)  # noqa: E731
            self._ask("change a data source", update)

    def dashboard(self, uid: str) -> Held | None:
        """A dashboard by its uid."""
        found = self._find(f"read the dashboard {uid}", lambda: self._api.dashboard.get_dashboard(uid))
        return None if found is None else Held(found["dashboard"], found["meta"])

    def last_message(self, uid: str) -> str:
        """What who saved it last said of it; empty where nothing was said."""
        ask = lambda: self._api.dashboard_versions.get_dashboard_versions(None, uid)  # noqa: E731
        said = self._ask(f"read the versions of {uid}", ask)
        versions = said.get("versions", []) if isinstance(said, dict) else said
        return str(versions[0].get("message", "")) if versions else ""

    def save_dashboard(self, model: Json, folder: str, message: str) -> None:
        """Saves a dashboard over exactly the version that `model` names, or a new one."""
        body = {"dashboard": model, "folderUid": folder, "message": message, "overwrite": False}
        what = f"save the dashboard {model['title']!r}"
        self._ask(what, lambda: self._api.dashboard.update_dashboard(body))

    def group(self, folder: str, title: str) -> Json | None:
        """A group of alert rules."""
        rules, name = self._api.alertingprovisioning, quote(title)
        return self._find("read alert rules", lambda: rules.get_rule_group(folder, name))

    def save_group(self, folder: str, group: Json) -> None:
        """Makes a group of alert rules exactly what is said here."""
        rules, name = self._api.alertingprovisioning, quote(str(group["title"]))
        self._ask("save alert rules", lambda: rules.update_rule_group(folder, name, group))

    def _find(self, what: str, call: Callable[[], Any]) -> Json | None:
        """None where there is no such thing."""
        try:
            found: Json = self._told(what, call)
        except GrafanaException as error:
            if error.status_code == 404:
                return None
            raise self._explained(error, what) from None
        return found

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        try:
            return self._told(what, call)
        except GrafanaException as error:
            raise self._explained(error, what) from None

    def _told(self, what: str, call: Callable[[], T]) -> T:
        """Raises `GrafanaException` as it is; what never became an answer is explained here."""
        try:
            return call()
        except niquests.exceptions.SSLError as error:
            words = (
                f"{self.url}: no secure connection ({_short(error)}); grafana.ca names an authority to trust"
            )
            raise UserError(words) from None
        except niquests.exceptions.JSONDecodeError:
            words = "what answers there is no Grafana; the URL of its start page is due"
            raise UserError(f"{self.url}: {words}") from None
        except niquests.exceptions.RequestException as error:
            raise Trouble(f"{self.url}: cannot be reached to {what} ({_short(error)})") from None

    def _explained(self, error: GrafanaException, what: str) -> Exception:
        """Each answer that is no success, as what `ANSWERS` makes of it."""
        status = error.status_code
        said = error.response.get("message") if isinstance(error.response, dict) else None
        kind, words = ANSWERS.get(status, FAILED if status >= 500 else REFUSED)
        return kind(f"{self.url}: " + words.format(what=what, said=f"{status}: {said}" if said else status))


def _checked(url: str) -> str:
    """The URL without a slash at its end. Raises `UserError`, which repeats nothing that may be secret."""
    logging.getLogger("grafana_client").setLevel(logging.CRITICAL)
    right = "https://HOST[:PORT][/PATH] is expected"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UserError(f"--url: {error}; {right}") from None
    if parts.username is not None or parts.password is not None:
        raise UserError(f"--url: no name or password in it, the token stands in {TOKEN}; {right}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UserError(f"--url {url!r}: {right}")
    return url.rstrip("/")


def _short(error: Exception) -> str:
    """The innermost reason, without the library's own wrapping."""
    reason: BaseException = error
    while (inner := reason.__cause__ or reason.__context__) is not None:
        reason = inner
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
