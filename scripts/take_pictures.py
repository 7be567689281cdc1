"""Take the pictures of the page for the documents: `make pictures` (needs ../shared/data and Chromium).

A service reads an exchange on loopback that has past real candles, shifted in time so that they end now. The ledger
behind the record is invented, by lanes that are right in 68, 50 and 34 of a hundred hours; the documents say so.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, sync_playwright

from domain.market import Candle, CandleSeries, Timeframe
from features.candle_reading.reading import read_candles
from tests.fixtures.exchange import exchange
from tests.fixtures.service import Service, running_service
from tests.page.conftest import ARGUMENTS, CHROMIUM
from tests.page.filled_ledger import fill_ledger_file

DATA = ROOT.parent / "shared" / "data"
IMAGES = ROOT / "docs" / "images"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "ADAUSDT", "DOTUSDT", "XRPUSDT", "LINKUSDT")
# Hours from the end of the files back to a period in which some of them trend.
HOURS_BACK = 973
HOURS = 4_000
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


class PastMarkets:
    """Past hours of real markets as if they had ended with the last full hour."""

    def __init__(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._hours = {symbol: _moved(symbol, now_ms) for symbol in SYMBOLS}

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return the newest candles; there are none shorter than an hour."""
        hours = self._hours[symbol]
        if timeframe.ms < Timeframe.H1.ms:
            return CandleSeries(timeframe, [])
        series = hours if timeframe is Timeframe.H1 else hours.resample(timeframe)
        return CandleSeries(timeframe, series.candles[-limit:])


def _moved(symbol: str, now_ms: int) -> CandleSeries:
    hours = read_candles(DATA / f"{symbol}-1h.csv.gz", now_ms).series.candles[-HOURS - HOURS_BACK : -HOURS_BACK]
    step = Timeframe.H1.ms
    later = now_ms // step * step - hours[-1].timestamp - step
    return CandleSeries(
        Timeframe.H1, [Candle(c.timestamp + later, c.open, c.high, c.low, c.close, c.volume) for c in hours]
    )


def main() -> None:
    """Take each view at two widths, dark and light."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        exchange(SYMBOLS, PastMarkets()) as market,
        running_service(
            "main.py",
            DATABASE_URL=_filled(Path(folder) / "pictures.db"),
            PERIODIC_ANALYSIS="true",
            PERIODIC__PAUSE_SECONDS="0",
            MARKET_DATA_SOURCES="stored,binance",
            MARKET_DATA__TIMEFRAMES="1h,4h",
            MARKET_DATA__BINANCE_URL=market.url,
            MODELS__SHIPPED="true",
            RATE_LIMITS="off",
        ) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, place in VIEWS.items():
            for size, width in WIDTHS.items():
                for scheme in ("dark", "light"):
                    target = IMAGES / f"{name}-{size}-{scheme}.png"
                    _take(browser, service, place, width, scheme, target, PRESSED.get(name))


def _filled(database: Path) -> str:
    fill_ledger_file(database)
    return f"sqlite:///{database}"


def _take(
    browser: Browser, service: Service, place: str, width: int, scheme: str, target: Path, pressed: str | None
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
    page.goto(f"{service.url}/{place}")
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
