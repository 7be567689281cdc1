"""The text of a signal, key by key as the contract has it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from domain.analysis import Analysis
from services.broadcast.events import render_signal_event

EVIDENCE = {
    "target_first": 0.4,
    "break_even": 0.35,
    "expected_r": 0.12,
    "gross_bps": 30.0,
    "cost_bps": 12.0,
    "net_bps": 18.0,
    "plans": 900,
    "low": 0.01,
    "high": 0.23,
    "verdict": "positive",
    "built_from": "8 markets, 1h",
}
LANES = {"rules": {"side": "Long", "probability": None, "confidence": 0.7}, "model": None, "llm": None}


def test_signal_event_is_the_one_of_the_contract() -> None:
    analysis = Analysis.model_validate(
        {
            "analysis_id": "a1",
            "symbol": "BTCUSDT",
            "timeframe": "1h",
            "signal": "Long",
            "confidence": 0.7,
            "reasoning": "The trend is up — on all timeframes.",
            "strategy_scores": {"RSI Strategy": 0.6},
            "market_analysis": {
                "trend_direction": "Bullish",
                "trend_strength": 0.8,
                "support_levels": [99.5],
                "resistance_levels": [],
                "volatility_level": "Very Low",
                "volume_analysis": "normal",
            },
            "risk_assessment": {
                "overall_risk": "Low",
                "technical_risk": 0.1,
                "market_risk": 0.2,
                "recommended_position_size": 0.05,
                "stop_loss_suggestion": 98.0,
                "take_profit_suggestion": None,
            },
            "timeframes": {},
            "source": "technical",
            "model_type": "technical-rules",
            "source_data": "synthetic",
            "price": 100.0,
            "average_true_range": 1.0,
            "newest_candle_ms": 1_700_000_000_000,
            "generated_at": datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
            "gates": [{"name": "cooldown", "passed": True, "value": 4, "needed": 3}],
            "evidence": EVIDENCE,
            "lanes": LANES,
            "forecast_note": "no model is in production",
        }
    )
    text = render_signal_event(analysis)
    assert '"timestamp":1735787045000,' in text
    assert json.loads(text) == {
        "type": "AISignalReceived",
        "data": {
            "symbol": "BTCUSDT",
            "signal": "long",
            "confidence": 0.7,
            "timestamp": 1_735_787_045_000,
            "model_type": "technical-rules",
            "timeframe": "1h",
            "reasoning": "The trend is up — on all timeframes.",
            "strategy_scores": {"RSI Strategy": 0.6},
            "market_analysis": analysis.market_analysis.model_dump(mode="json"),
            "risk_assessment": analysis.risk_assessment.model_dump(mode="json"),
            "source": "technical",
            "source_data": "synthetic",
            "analysis_id": "a1",
            "gates": [{"name": "cooldown", "passed": True, "value": 4, "needed": 3}],
            "abstention": None,
            "price": 100.0,
            "evidence": EVIDENCE,
            "lanes": LANES,
            "forecast": None,
            "forecast_note": "no model is in production",
        },
        "timestamp": "2025-01-02T03:04:05Z",
    }
