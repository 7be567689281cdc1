"""Cells as spreadsheets and pages of other countries write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from domain.market import Candle
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import HOUR, NOW, csv_text, moment, reference

DAY = 24 * HOUR
YEAR = reference(366, DAY, 1_704_067_200_000)  # 2024
NAMES = ("Date", "open", "high", "low", "close", "volume")

MONTHS = {
    "English": "Jan. Feb. March April May June July Aug. Sept. Oct. Nov. Dec.",
    "German": "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "German in full": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "French": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "Spanish": "ene feb mar abr may jun jul ago sept oct nov dic",
    "Portuguese": "jan fev mar abr mai jun jul ago set out nov dez",
    "Italian": "gen feb mar apr mag giu lug ago set ott nov dic",
    "Dutch": "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "Polish": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "Turkish": "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara",
    "Russian": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
}
MONEY = ("€ {}", "{} €", "CHF {}", "{} kr", "{} zł", "Rs. {}", "NT$ {}", "USD {}", "{} 元", "{} руб.", "₪{}")  # noqa: RUF001 - Russian
SIZES = (
    *(("{:.4f}M", 1e6), ("{:.3f}k", 1e3), ("{:.4f} mio", 1e6), ("{:.4f}mn", 1e6), ("{:.6f}bn", 1e9), ("{:.5f}Cr", 1e7)),
    *(("{:.4f}L", 1e5), ("{:.3f} тыс.", 1e3), ("{:.4f} Mio.", 1e6), ("{:.6f} Mrd", 1e9)),
)
TIMES = ("%Y. %m. %d. %H:%M", "%d/%m/%Y %I:%M:%S a. m.", "%Y.%m.%dD%H:%M:%S.000000000", "'%Y-%m-%d %H:%M:%S'")


def read(folder: Path, content: str) -> ReadCandles:
    path = folder / "candles.csv"
    path.write_text(content)
    return read_candles(path, NOW)


def dated(candle: Candle, months: str) -> str:
    at = moment(candle.timestamp)
    return f"{at.day}. {months.split()[at.month - 1]} {at.year}"


@pytest.mark.parametrize("language", MONTHS)
def test_months_are_read_in_other_languages(tmp_path: Path, language: str) -> None:
    rows = [(dated(candle, MONTHS[language]), *candle[1:]) for candle in YEAR]
    assert list(read(tmp_path, csv_text(rows, NAMES)).series.candles) == YEAR


@pytest.mark.parametrize("form", TIMES)
def test_times_are_read_as_spreadsheets_and_databases_write_them(tmp_path: Path, form: str) -> None:
    rows = [(moment(candle.timestamp).strftime(form), *candle[1:]) for candle in YEAR]
    found = read(tmp_path, csv_text(rows, NAMES)).series
    assert found.times_ms.tolist() == [candle.timestamp for candle in YEAR]


@pytest.mark.parametrize("form", MONEY)
def test_prices_may_have_their_currency(tmp_path: Path, form: str) -> None:
    rows = [(candle.timestamp, *map(form.format, candle[1:5]), candle.volume) for candle in YEAR]
    assert list(read(tmp_path, csv_text(rows, NAMES)).series.candles) == YEAR


@pytest.mark.parametrize(("form", "unit"), SIZES)
def test_volumes_may_have_a_word_for_their_size(tmp_path: Path, form: str, unit: float) -> None:
    rows = [(candle.timestamp, *candle[1:5], form.format(candle.volume * 1e6 / unit)) for candle in YEAR]
    found = read(tmp_path, csv_text(rows, NAMES)).series
    np.testing.assert_allclose(found.values[:, 4], [candle.volume * 1e6 for candle in YEAR], rtol=1e-3)


@pytest.mark.parametrize("nothing", ["—", "n.a.", "\\N", "(null)", "#VALUE!", "k.A."])
def test_words_for_nothing_are_no_volume(tmp_path: Path, nothing: str) -> None:
    rows = [(*candle[:5], nothing if at == 4 else candle.volume) for at, candle in enumerate(YEAR)]
    found = read(tmp_path, csv_text(rows, NAMES))
    assert "volume is unknown in 1 row" in found.notes
    assert np.flatnonzero(np.isnan(found.series.values[:, 4])).tolist() == [4]
