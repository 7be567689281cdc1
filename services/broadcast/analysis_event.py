"""Events for subscribers of signals."""

from __future__ import annotations

import msgspec

from domain.analysis import Analysis
from domain.values import epoch_ms


def render_signal_event(analysis: Analysis) -> str:
    """Return the `AISignalReceived` event of an analysis as JSON.

    Both times are those of the analysis: a cached analysis that is sent again must not look fresh.
    """
    event = {
        "type": "AISignalReceived",
        "data": {
            "symbol": analysis.symbol,
            "signal": analysis.signal.lower(),
            "confidence": analysis.confidence,
            "timestamp": epoch_ms(analysis.generated_at),
            "model_type": analysis.model_type,
            "timeframe": analysis.timeframe,
            "reasoning": analysis.reasoning,
            "strategy_scores": analysis.strategy_scores,
            "market_analysis": analysis.market_analysis.model_dump(),
            "risk_assessment": analysis.risk_assessment.model_dump(),
            "source": analysis.source,
            "source_data": analysis.source_data,
            "analysis_id": analysis.analysis_id,
            "gates": [gate.model_dump() for gate in analysis.gates],
            "abstention": analysis.abstention,
            "price": analysis.price,
            "evidence": analysis.evidence.model_dump() if analysis.evidence is not None else None,
            "lanes": analysis.lanes.model_dump() if analysis.lanes is not None else None,
            "forecast": analysis.forecast.model_dump() if analysis.forecast is not None else None,
            "forecast_note": analysis.forecast_note,
        },
        "timestamp": analysis.generated_at,
    }
    return msgspec.json.encode(event).decode()
