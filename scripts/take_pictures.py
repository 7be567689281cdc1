"""Take the pictures of the page for the documents: `make pictures` (needs ../shared/data and Chromium).

They show a service whose clock stands in November 2024; see `past_service.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from past_service import DATA, PastClock, past_service
from playwright.sync_api import Browser, sync_playwright

from config.sources import load_settings
from tests.page.conftest import ARGUMENTS, CHROMIUM
from utils.logging import configure_logging

IMAGES = ROOT / "docs" / "images"
WIDTHS = {"wide": 1440, "narrow": 390}
VIEWS = {
    "board": "#/board?order=strength",
    "symbol": "#/symbol/BTCUSDT?timeframe=1h",
    "record": "#/record",
    "operations": "#/operations?section=models",
    "try": "#/try?symbol=BTCUSDT",
}
# What is pressed before the picture of a view is taken: a version opens with its card.
PRESSED = {"operations": "lightgbm_model_"}
# Cards that are far from the screen have no line yet.
CARDS_ARE_WHOLE = """[...document.querySelectorAll(".card")].every((card) =>
    card.getBoundingClientRect().top > 2 * innerHeight || card.querySelector(".sparkline path"))"""


def main() -> None:
    """Take each view at two widths, dark and light."""
    if missing := [path for path in (DATA, Path(CHROMIUM)) if not path.exists()]:
        sys.exit(f"the pictures need {' and '.join(map(str, missing))}, which this machine lacks")
    configure_logging(load_settings(environment={"LOG_LEVEL": "WARNING"}).logging, ())
    IMAGES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, past_service(Path(folder)) as (url, clock), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, place in VIEWS.items():
            for size, width in WIDTHS.items():
                for scheme in ("dark", "light"):
                    target = IMAGES / f"{name}-{size}-{scheme}.png"
                    _take(browser, f"{url}/{place}", clock, width, scheme, target, PRESSED.get(name))


def _take(
    browser: Browser, address: str, clock: PastClock, width: int, scheme: str, target: Path, pressed: str | None
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="light" if scheme == "light" else "dark",
        reduced_motion="reduce",
        timezone_id="UTC",
        locale="en-GB",
        # The page's own policy does not let what is waited for be evaluated twice.
        bypass_csp=True,
    )
    page = context.new_page()
    page.clock.install(time=clock.now())
    page.goto(address)
    page.wait_for_load_state("networkidle")
    if pressed:
        page.get_by_role("button", name=pressed).first.click()
    page.wait_for_function("document.querySelectorAll('.skeleton').length === 0")
    # What was never on the screen is painted only while the picture is taken, and then may be painted by half.
    for place_on_page in ("document.body.scrollHeight", "0"):
        page.evaluate(f"scrollTo(0, {place_on_page})")
        page.evaluate("new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))")
    page.wait_for_function(CARDS_ARE_WHOLE)
    page.screenshot(path=target, full_page=width == WIDTHS["wide"])
    context.close()


if __name__ == "__main__":
    main()
