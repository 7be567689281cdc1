"""The question about a closed trade: what is there to learn?"""

from __future__ import annotations

from pathlib import Path

from domain.trading.trades import ClosedTrade
from services.llm.prompt import Prompt, make_prompt
from services.reviews.trade_reply import TRADE_SCHEMA

INSTRUCTIONS = Path(__file__).with_name("trade_v2.txt")


def trade_prompt(trade: ClosedTrade) -> Prompt:
    """Return the question about a trade; when it was, it does not say."""
    seconds = trade.duration_seconds
    facts = {
        "symbol": trade.symbol,
        "side": trade.side,
        "entry_price": trade.entry_price,
        "exit_price": trade.exit_price,
        "quantity": trade.quantity,
        "leverage": trade.leverage,
        "price_move_percent": trade.move_percent,
        "pnl_usdt": trade.pnl_usdt,
        "pnl_percent": trade.pnl_percentage,
        "duration_minutes": None if seconds is None else seconds / 60,
        "duration_hours": None if seconds is None else seconds / 3600,
        "signal_confidence": trade.ai_confidence,
    }
    said = {
        "close_reason": trade.close_reason,
        "strategy_name": trade.strategy_name,
        "signal_reasoning": trade.ai_reasoning,
    }
    return make_prompt(INSTRUCTIONS, facts, {name: text for name, text in said.items() if text}, TRADE_SCHEMA)
