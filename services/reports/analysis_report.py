"""An analysis as tables for a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from domain.analysis import Analysis, DataSource
from domain.values import Signal

_COLORS = {Signal.LONG: "green", Signal.SHORT: "red", Signal.NEUTRAL: "yellow"}


def render_report(analysis: Analysis) -> Group:
    """Return signal, levels, timeframes, strategies and reasons, ready to print."""
    return Group(_signal(analysis), _timeframes(analysis), _strategies(analysis), _reasons(analysis))


def _signal(analysis: Analysis) -> Table:
    color = _COLORS[analysis.signal]
    risk, market = analysis.risk_assessment, analysis.market_analysis
    table = Table(title=f"{escape(analysis.symbol)} {analysis.timeframe}", show_header=False, min_width=60)
    table.add_row("signal", f"[bold {color}]{analysis.signal}[/]  confidence {analysis.confidence:.2f}")
    table.add_row("price", format_price(analysis.price))
    table.add_row("stop loss", format_price(risk.stop_loss_suggestion))
    table.add_row("take profit", format_price(risk.take_profit_suggestion))
    table.add_row("position size", f"{risk.recommended_position_size:.1%} of capital")
    table.add_row("risk", str(risk.overall_risk))
    table.add_row("trend", f"{market.trend_direction}, strength {market.trend_strength:.2f}")
    table.add_row("volatility", str(market.volatility_level))
    table.add_row("support", ", ".join(map(format_price, market.support_levels)) or "none found")
    table.add_row("resistance", ", ".join(map(format_price, market.resistance_levels)) or "none found")
    table.add_row("volume", escape(market.volume_analysis))
    if analysis.source_data is DataSource.SYNTHETIC:
        table.add_row("data", "[bold yellow]synthetic: for demonstration only[/]")
    return table


def _timeframes(analysis: Analysis) -> Table:
    table = Table(title="Timeframes (direction -1 down, 1 up)", min_width=60)
    for heading in ("timeframe", "candles", "direction", "RSI", "ADX", "MACD histogram"):
        table.add_column(heading, justify="right")
    for timeframe, view in analysis.timeframes.items():
        known = view.indicators
        cells = [f"{known[name]:.4g}" if name in known else "-" for name in ("rsi", "adx", "macd_histogram")]
        table.add_row(str(timeframe), str(view.candles), f"{view.direction:+.2f}", *cells)
    return table


def _strategies(analysis: Analysis) -> Table:
    table = Table(title="Strategies (0 Short, 0.5 no view, 1 Long)", min_width=60)
    table.add_column("strategy")
    table.add_column("score", justify="right")
    for name, score in analysis.strategy_scores.items():
        table.add_row(escape(name), f"{score:.2f}")
    return table


def _reasons(analysis: Analysis) -> Panel:
    return Panel(escape(analysis.reasoning), title="Reasons", width=100)


def format_price(price: float | None) -> str:
    """Return a price with as many digits as it needs, or a dash."""
    return "-" if price is None else f"{price:,.8g}"
