"""`screenshots`: a picture of every view of the running dashboard, in each language, theme and size of screen."""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from dashboard.page import THEMES
from dashboard.texts import LANGUAGES
from ops.console import done, say
from ops.errors import UnknownName
from ops.looking import browser
from ops.looking.browser import SCREENS, Screen
from ops.looking.dashboard_views import subjects_of, views
from ops.native.install import ensure_programs
from ops.running import Platform


class Picture(NamedTuple):
    view: str
    address: str
    language: str
    theme: str
    screen: Screen

    @property
    def file(self) -> str:
        return f"{self.view}.{self.language}.{self.theme}.{self.screen.name}.png"


def take(platform: Platform, folder: Path, names: Sequence[str]) -> int:
    """Take a full-height picture of each named view, of all without a name, and make the folder if needed."""
    ensure_programs("the pictures are taken in a real browser", browser.PROGRAMS)
    dashboard = platform.shown["Dashboard"]
    wanted = list(pictures(chosen(views(subjects_of(platform.api_url, platform.api_key)), names)))
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{len(wanted)} pictures of {dashboard}")
    with browser.chromium() as driver:
        for picture in wanted:
            began = time.monotonic()
            browser.prefer(driver, dashboard, picture.language, picture.theme)
            browser.show_on(driver, picture.screen)
            browser.open_view(driver, dashboard + picture.address)
            browser.take_picture(driver, picture.screen, folder / picture.file)
            done(picture.view, time.monotonic() - began, picture.file)
    say(f"The pictures are in {folder}")
    return 0


def chosen(addresses: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    for name in names:
        if name not in addresses:
            raise UnknownName("view", name, addresses)
    return {name: address for name, address in addresses.items() if not names or name in names}


def pictures(addresses: Mapping[str, str]) -> Iterator[Picture]:
    """Yield every view in every language, theme and screen, view by view."""
    for (view, address), language, theme, screen in product(addresses.items(), LANGUAGES, THEMES, SCREENS):
        yield Picture(view, address, language, theme, screen)
