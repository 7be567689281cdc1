"""Symbols of markets: how each is spelled, and what its spelling tells of the market.

A symbol is one word in capitals. A spelling that fits `SYMBOL_PATTERN` is kept as it is, in answers, stores and models:
BTC-USD is not BTCUSD, and neither is BTC. What a person or an export wrote has one that fits, by `spelling`:

| written | symbol | kind | base and quote | exchange |
| --- | --- | --- | --- | --- |
| `BTCUSDT`, `btcusdt`, `BTC/USDT`, `BTC_USDT`, `BINANCE:BTCUSDT` | `BTCUSDT` | crypto | BTC, USDT | |
| `1000PEPEUSDT` | `1000PEPEUSDT` | crypto | 1000PEPE, USDT | |
| `BTC/USDT:USDT`, `BTC_USDT_USDT`, `BTCUSDT.P` (a perpetual) | `BTCUSDT.P` | crypto | BTC, USDT | |
| `BTC-USD` | `BTC-USD` | crypto | BTC, USD | |
| `XBTUSD`, `XXBTZUSD` (XBT is Kraken's name of bitcoin) | `XBTUSD` | crypto | XBT, USD | |
| `EURUSD=X` | `EURUSD=X` | forex | EUR, USD | |
| `EURUSD`, `EUR/USD`, `EURUSDm`, `EURUSD.r` | `EURUSD` | forex | EUR, USD | |
| `AAPL`, `NASDAQ:AAPL`, `#AAPL` | `AAPL` | share | AAPL | XNYS |
| `BRK-B` | `BRK-B` | share | BRK-B | XNYS |
| `BRK.B` | `BRK.B` | share | BRK-B | XNYS |
| `PETR4.SA` | `PETR4.SA` | share | PETR4 | BVMF |
| `^GSPC` | `^GSPC` | index | GSPC | XNYS |
| `ES=F`, `ESZ6`, `ESZ2026` (of a month) | as written | future | ES | |
| `EURUSD-ECN`, `EURUSD.FOREX`, `BTC-USD.CC` (of an account or a vendor) | as written | of the pair | of the pair | |
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.naming.exchanges import EXCHANGE_OF_INDEX, EXCHANGE_OF_SUFFIX, UNITED_STATES, VENUES, Exchange

# No separator of paths and no two dots in a row: a symbol can be part of a path or a file's name.
SYMBOL_PATTERN = r"^\^?[A-Z0-9]{1,20}([.=-][A-Z0-9]{1,6}){0,2}$"
MAX_SYMBOL_LENGTH = 20

_FIAT = (
    "USD EUR GBP JPY CHF AUD CAD NZD SEK NOK DKK PLN CZK HUF RON TRY ZAR MXN BRL ARS CLP COP PEN CNY CNH HKD SGD INR "
    "KRW TWD THB IDR MYR PHP VND ILS AED SAR RUB UAH NGN"
)
FIAT = frozenset(_FIAT.split())
_METALS = frozenset({"XAU", "XAG", "XPT", "XPD"})
# Oil, gas, base metals and indices, as brokers of currencies name them: XTIUSD, WTICOUSD, NAS100USD, DE30EUR.
_OF_BROKERS = re.compile(r"X(?:TI|BR|NG|CU|AL|NI|ZN|PB)|WTICO|WTI|BCO|BRENT|NATGAS|[A-Z]{2,3}\d{2,3}")
# Worth a dollar. BUSD and TUSD are gone, and would make BN/BUSD of BNB/USD and DO/TUSD of DOT/USD.
DOLLAR_COINS = frozenset({"FDUSD", "PYUSD", "USDT", "USDC", "USDE", "USDP", "USD1", "DAI"})
_COINS = frozenset({"BTC", "ETH", "BNB"})
_QUOTES = FIAT | DOLLAR_COINS | _COINS
# Of two that fit, the longer one counts.
_QUOTE_LENGTHS = sorted(set(map(len, _QUOTES)), reverse=True)

_UPBIT = re.compile(rf"KRW-(?!(?:{'|'.join(sorted(FIAT | _METALS))})$)[A-Z0-9]{{3,}}")
_PERPETUAL = ".P"
_SYMBOL = re.compile(SYMBOL_PATTERN.removeprefix("^").removesuffix("$"))
# Bitfinex writes tBTCUSD, TradingView ES1! for the next month; perpetuals are BTCUSD_PERP at Binance, BTCUSDT_UMCBL at
# Bitget, PF_XBTUSD at Kraken, BTC_USDC-PERPETUAL and BTC-PERPETUAL, in dollars, at Deribit.
_BITFINEX = re.compile(r"t([A-Z0-9]{6,})")
_FRONT_MONTH = re.compile(r"(?:[A-Z_]+:)?([A-Z0-9]{1,5})1!")
_EXCHANGE_PERPETUAL = re.compile(r"(.+)[_-](?:PERP|PERPETUAL|SWAP|UMCBL|DMCBL|CMCBL)|P[FI]_(.+)")
# CoinAPI and WOO: BINANCE_SPOT_BTC_USDT, PERP_BTC_USDT.
_WITH_KIND = re.compile(r"(?:[A-Z0-9]{2,12}_)?(SPOT|PERP)_([A-Z0-9]{2,10})_([A-Z0-9]{2,6})")
_EXPIRING = re.compile(r"([A-Z0-9]+(?:[-_/][A-Z0-9]+)?)[-_](\d{6}|\d{1,2}[A-Z]{3}\d{2})")
# Kraken's REST names of old pairs mark coins by X and currencies by Z: XXBTZUSD, XETHZEUR.
_KRAKEN = re.compile(r"X([A-Z]{3})Z(USD|EUR|GBP|JPY|CAD|AUD)")
# Contracts of the futures of Chicago and New York, by the letter of their month and their year.
_FUTURES = (
    "ES NQ YM RTY MES MNQ MYM M2K NKD CL MCL BZ NG QG RB HO GC MGC SI SIL HG MHG PL PA ZB UB ZN TN ZF ZT ZQ SR3 GE "
    "ZC ZS ZW ZM ZL ZO ZR KE HE LE GF 6A 6B 6C 6E 6J 6M 6N 6S M6A M6B M6E E7 J7"
)
_CONTRACT = re.compile(rf"({'|'.join(_FUTURES.split())})[FGHJKMNQUVXZ](?:\d{{1,2}}|20\d{{2}})")
_OF_ACCOUNT = re.compile(r"([A-Z]{6,10}|[A-Z]{2,6}-[A-Z]{3,4})[.-][A-Z]{2,6}")
# Brokers mark their accounts by small letters behind a pair, and shares by a sign before them.
_OF_BROKER = re.compile(r"([A-Z]{6})(?:[.+_-]?[a-z]{1,6}|[.+#])")
_WRITTEN = re.compile(r"[A-Za-z0-9^][A-Za-z0-9/_:^.= -]{0,40}!?")
# A class or a kind of paper may follow: BRK-B, BRK.B, BAC-PL.
_US_SHARE = re.compile(r"([A-Z]{1,5})(?:[.-]([A-Z]{1,2}))?")
_NEEDED = (
    f"a symbol has at most {MAX_SYMBOL_LENGTH} capital letters and digits, such as BTCUSDT, AAPL, BRK-B, PETR4.SA, "
    "EURUSD=X, ES=F or ^GSPC"
)


class SymbolKind(StrEnum):
    """What is traded."""

    CRYPTO = "crypto"
    FOREX = "forex"
    SHARE = "share"
    INDEX = "index"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol and the facts that its spelling tells.

    Attributes:
        name: As it is spelled on the wire, in stores and by models.
        kind: None where the spelling does not tell.
        base: What is traded: the coin, the currency, or the share without its exchange and with its class after `-`.
        quote: The currency of the price, where the spelling has it.
        exchange: Of a share or a known index.
        perpetual: Whether it is a future of a coin that never expires.
    """

    name: str
    kind: SymbolKind | None
    base: str
    quote: str | None = None
    exchange: Exchange | None = None
    perpetual: bool = False

    @staticmethod
    @lru_cache(4096)
    def of(name: str) -> Symbol:
        """Return the facts of a symbol; of a name that is none, only the name."""
        if name.startswith("^"):
            return Symbol(name, SymbolKind.INDEX, name[1:], exchange=EXCHANGE_OF_INDEX.get(name[1:]))
        if name.endswith("=F"):
            return Symbol(name, SymbolKind.FUTURE, name[:-2])
        if name.endswith("=X"):
            # JPY=X is the dollar in yen.
            base, quote = (name[:-5] or "USD"), name[-5:-2]
            return Symbol(name, SymbolKind.FOREX, base, quote)
        traded = name.removesuffix(_PERPETUAL).removesuffix("-SWAP").removesuffix("-PERP")
        # BTC-PERP is in dollars.
        if pair := _pair(traded) or (_pair(f"{traded}-USD") if name.endswith("-PERP") else None):
            base, quote = pair
            if quote in FIAT and _OF_BROKERS.fullmatch(base):
                return Symbol(name, None, name)
            forex = base in FIAT | _METALS and quote in FIAT
            kind = SymbolKind.FOREX if forex else SymbolKind.CRYPTO
            return Symbol(name, kind, base, quote, perpetual=name != traded)
        share, _, suffix = name.rpartition(".")
        if share and suffix in EXCHANGE_OF_SUFFIX:
            return Symbol(name, SymbolKind.SHARE, share, exchange=EXCHANGE_OF_SUFFIX[suffix])
        if contract := _CONTRACT.fullmatch(name):
            return Symbol(name, SymbolKind.FUTURE, contract[1])
        if (account := _OF_ACCOUNT.fullmatch(name)) and _pair(account[1]):
            return replace(Symbol.of(account[1]), name=name)
        # OPUSD may be a coin with two letters.
        if (found := _US_SHARE.fullmatch(name)) and not (len(name) == 5 and name[2:] in _QUOTES):
            ticker = "-".join(part for part in found.groups() if part)
            return Symbol(name, SymbolKind.SHARE, ticker, exchange=UNITED_STATES)
        return Symbol(name, None, name)


def is_symbol(text: str) -> bool:
    """Return whether a text is a symbol as this service spells them."""
    return len(text) <= MAX_SYMBOL_LENGTH and _SYMBOL.fullmatch(text) is not None


def spelling(text: str) -> str | None:
    """Return how this service spells a symbol that a person or an export wrote, or None where that cannot be told."""
    text = text.strip().removeprefix("#")
    if (account := _OF_BROKER.fullmatch(text)) and Symbol.of(account[1]).kind is SymbolKind.FOREX:
        return account[1]
    if not _WRITTEN.fullmatch(text):
        return None
    name = text.upper()
    if pair := _KRAKEN.fullmatch(name):
        return pair[1] + pair[2]
    if is_symbol(name) and not _BITFINEX.fullmatch(text):
        return name
    if contract := _contract(text):
        return contract if is_symbol(contract) else None
    venue, _, rest = name.partition(":")
    if rest and venue.partition("_")[0] in VENUES:
        return spelling(rest)
    joined = _joined(re.split(r"[/_: ]", name))
    return joined if joined is not None and is_symbol(joined) else None


def _contract(text: str) -> str | None:
    """Return the symbol of a contract as its exchange names it; None where no form fits."""
    if found := _BITFINEX.fullmatch(text):
        return found[1]
    name = text.upper()
    if found := _FRONT_MONTH.fullmatch(name):
        return f"{found[1]}=F"
    if (found := _WITH_KIND.fullmatch(name)) and (pair := _joined([found[2], found[3]])):
        return pair + (_PERPETUAL if found[1] == "PERP" else "")
    if found := _EXCHANGE_PERPETUAL.fullmatch(name):
        written = found[1] or found[2]
        pair = _joined(re.split(r"[-_/]", written)) or written
        return (pair if _pair(pair) else f"{pair}USD") + _PERPETUAL
    # A future with its day of expiry is a market of its own.
    found = _EXPIRING.fullmatch(name)
    return re.sub(r"[-_/]", "", found[1]) + found[2] if found else None


def checked_symbol(text: str) -> str:
    """Return the text if it is a symbol as this service spells them.

    Raises:
        ValueError: it is not; the message has the right spelling, or the rule.
    """
    if is_symbol(text):
        return text
    right = spelling(text)
    shown = text.strip() if right != text.strip() else repr(text)
    raise ValueError(f"symbol {shown}: write {right}" if right else _NEEDED)


SymbolName = Annotated[
    str,
    AfterValidator(checked_symbol),
    Field(json_schema_extra={"pattern": SYMBOL_PATTERN, "maxLength": MAX_SYMBOL_LENGTH}),
]


def market_kind(symbol: str) -> str | None:
    """Return whose hours a market has: crypto, forex, future, or the word of its exchange such as us or nse."""
    facts = Symbol.of(symbol)
    if facts.kind in (SymbolKind.CRYPTO, SymbolKind.FOREX, SymbolKind.FUTURE):
        return facts.kind.value
    return facts.exchange.market if facts.exchange else None


def _pair(name: str) -> tuple[str, str] | None:
    """Return base and quote of a pair, written as one word or with a hyphen."""
    base, hyphen, quote = name.partition("-")
    # No currency has a price in coins: Upbit and others write the quote first.
    if hyphen and ((base in FIAT and quote in _COINS) or _UPBIT.fullmatch(name)):
        return quote, base
    if hyphen:
        return (base, quote) if quote in _QUOTES else None
    for length in _QUOTE_LENGTHS:
        base, quote = name[:-length], name[-length:]
        # Shares have up to five letters: ABNB is Airbnb.
        if quote in _QUOTES and base.isalnum() and (length > 3 or len(name) > 5):
            return base, quote
    return None


def _joined(parts: list[str]) -> str | None:
    """Return the symbol of parts that were separated: a pair, a perpetual with its settlement, a share."""
    match parts:
        case [base, quote] if quote in _QUOTES:
            return base + quote
        case [base, quote, settled] if quote in _QUOTES and settled in (base, quote):
            return base + quote + _PERPETUAL
        case [share, suffix] if suffix in EXCHANGE_OF_SUFFIX:
            return f"{share}.{suffix}"
        case [share, letter] if len(letter) == 1 and letter.isalpha():
            return f"{share}-{letter}"
    return None
