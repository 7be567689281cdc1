"""Cells as spreadsheets and pages of other countries write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from domain.errors import InvalidMarketData
from domain.market import Candle
from features.candle_reading.reading import ReadCandles, read_candles
from tests.fixtures.candle_exports import HOUR, NOW, REFERENCE, csv_text, moment, reference

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
# As pages, spreadsheets and people write the time of day.
CLOCKS = (
    *("%B %d, %Y at %I:%M %p", "%d/%m/%Y à %H:%M", "%d.%m.%Y %H:%M Uhr", "%d de %B de %Y %H:%M"),
    *("%Y年%m月%d日 %H時%M分", "%Y-%m-%d %H:%M:%S (UTC)", "%B %dth, %Y %H:%M", '="%Y-%m-%d %H:%M"'),
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


@pytest.mark.parametrize("form", CLOCKS)
def test_the_time_of_day_is_read_as_pages_and_people_write_it(tmp_path: Path, form: str) -> None:
    rows = [(moment(c[0]).strftime(form if form.startswith("=") else f'"{form}"'), *c[1:]) for c in REFERENCE]
    assert list(read(tmp_path, csv_text(rows, NAMES)).series.candles) == REFERENCE


@pytest.mark.parametrize(("am", "pm"), [("上午", "下午"), ("午前", "午後"), ("오전 ", "오후 ")])
def test_halves_of_the_day_are_read_before_the_time(tmp_path: Path, am: str, pm: str) -> None:
    rows = [
        (f"{moment(c[0]):%Y/%m/%d} {am if moment(c[0]).hour < 12 else pm}{moment(c[0]):%I:%M:%S}", *c[1:])
        for c in REFERENCE
    ]
    assert list(read(tmp_path, csv_text(rows, NAMES)).series.candles) == REFERENCE


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


@pytest.mark.parametrize("names", [NAMES, ()], ids=["named", "unnamed"])
@pytest.mark.parametrize(
    ("written", "volume"), [(("950", "1.200"), (950, 1_200)), (("157.1", "60.125"), (157.1, 60.125))]
)
def test_a_point_beside_decimal_commas_separates_the_thousands_of_volumes_or_is_one_of_decimals(
    tmp_path: Path, names: tuple[str, ...], written: tuple[str, str], volume: tuple[float, float]
) -> None:
    rows = [
        (f"{moment(c[0]):%d.%m.%Y}", *(f"{x:.2f}".replace(".", ",") for x in c[1:5]), written[at % 2])
        for at, c in enumerate(YEAR)
    ]
    found = read(tmp_path, csv_text(rows, names, ";")).series
    assert found.values[:2, 4].tolist() == [*volume]
    assert found.opens.tolist() == [candle.open for candle in YEAR]


@pytest.mark.parametrize("delimiter", ["\t", "|", ";", ","])
def test_a_comma_that_may_be_either_is_a_decimal_comma_between_semicolons_alone(tmp_path: Path, delimiter: str) -> None:
    price = '"42,000"' if delimiter == "," else "42,000"
    rows = [(candle.timestamp, *[price] * 4, 7) for candle in YEAR]
    if delimiter in {";", ","}:
        expected = 42.0 if delimiter == ";" else 42_000.0
        assert set(read(tmp_path, csv_text(rows, NAMES, delimiter)).series.opens) == {expected}
        return
    with pytest.raises(InvalidMarketData, match=r"42,000, whose comma may be a decimal .*write 42\.000 or 42000"):
        read(tmp_path, csv_text(rows, NAMES, delimiter))


def test_one_number_with_two_points_tells_that_the_points_of_its_column_separate_thousands(tmp_path: Path) -> None:
    rows = [(*candle[:5], "950.000" if at % 2 else "1.200.000") for at, candle in enumerate(YEAR)]
    assert read(tmp_path, csv_text(rows, NAMES)).series.values[:2, 4].tolist() == [1_200_000, 950_000]


def test_points_of_prices_beside_such_volumes_may_separate_thousands(tmp_path: Path) -> None:
    rows = [(candle.timestamp, "65.400", "65.900", "65.050", "65.450", "1.200.000") for candle in YEAR]
    with pytest.raises(InvalidMarketData, match=r"has prices such as 65.400 beside volumes whose points separate"):
        read(tmp_path, csv_text(rows, NAMES, ";"))
