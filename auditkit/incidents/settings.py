"""Settings: which laws an incident may be under, where days end, and which days are no business days."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from auditkit.errors import InputError, did_you_mean
from auditkit.incidents.clocks import clocks
from auditkit.incidents.times import zone_of
from auditkit.reading import toml_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SETTINGS", "Settings", "read_settings", "settings_text"]

SETTINGS = "clocks.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the clocks of an incident are shown.

    Attributes
    ----------
    frameworks : tuple of str
        Only clocks of these; all where it is empty.
    zone : str
        The time zone in which days end; that of each moment where it is empty.
    holidays : tuple of datetime.date
        Left out of business days.
    """

    frameworks: tuple[str, ...] = ()
    zone: str = ""
    holidays: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        clocks().of(self.frameworks)
        if self.zone:
            zone_of(self.zone)


def settings_text(settings: Settings) -> str:
    """Return the settings as a file that a person can change."""
    return f"""# Which clocks are shown. Which laws apply is a decision: write it into the log, with its reason.
# frameworks: of {", ".join(sorted({one.framework for one in clocks().clocks}))}; all when empty
frameworks = {json.dumps(list(settings.frameworks))}
# zone: where days end, such as "Europe/Berlin"; that of each moment when empty
zone = {json.dumps(settings.zone)}
# holidays: days that are no business days, such as 2026-12-25
holidays = [{", ".join(one.isoformat() for one in settings.holidays)}]
"""


def read_settings(folder: Path) -> Settings:
    """Read the settings of an incident; those without limits where it has none.

    Raises
    ------
    InputError
        If a key, a framework or a zone is not known, or a holiday is no day.
    """
    path = folder / SETTINGS
    if not path.exists():
        return Settings()
    try:
        said = tomllib.loads(toml_text(path, "settings of clocks"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    known = ("frameworks", "zone", "holidays")
    for key in said:
        if key not in known:
            raise InputError(f"{path}: no key {key!r}.{did_you_mean(key, known)}")
    named, zone, days = said.get("frameworks", []), said.get("zone", ""), said.get("holidays", [])
    whole = isinstance(named, list) and isinstance(days, list) and isinstance(zone, str)
    if (
        not whole
        or not all(isinstance(one, str) for one in named)
        or not all(type(one) is date for one in days)
    ):
        raise InputError(
            f'{path}: expected frameworks = ["gdpr"], zone = "Europe/Berlin", holidays = [2026-12-25]; got {said!r:.200}'
        )
    try:
        return Settings(tuple(named), zone, tuple(days))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
