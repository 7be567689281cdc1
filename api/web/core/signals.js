/** One shape for an analysis, however it arrived: by the socket, as an answer, or from the archive. */

/** How long a signal counts after it was made: dashboards drop it then. */
export const SIGNAL_LIFE_MS = 30 * 60_000;
export const SIDES = ["Long", "Short", "Neutral"];

const SIDE_BY_WORD = {
  long: "Long", buy: "Long", strong_buy: "Long", short: "Short", sell: "Short", strong_sell: "Short",
  neutral: "Neutral", hold: "Neutral",
};

/**
 * Return a signal of an analysis in the API's words.
 *
 * @returns {{symbol: string, side: "Long" | "Short" | "Neutral", confidence: number, price: number | null,
 *   timeframe: string, source: string, sourceData: string, generatedAt: number, stop: number | null,
 *   target: number | null, reasoning: string, abstention: string | null, gates: object[], evidence: object | null,
 *   lanes: object | null, strategyScores: object, marketAnalysis: object, riskAssessment: object,
 *   forecast: object | null, dataAgeSeconds: number | null, analysisId: string}} `generatedAt` is in epoch ms.
 */
export function signalOf(analysis) {
  return {
    symbol: analysis.symbol,
    side: SIDE_BY_WORD[String(analysis.signal).toLowerCase()],
    confidence: analysis.confidence,
    price: analysis.price ?? null,
    timeframe: analysis.timeframe,
    source: analysis.source,
    modelType: analysis.model_type,
    sourceData: analysis.source_data,
    generatedAt: analysis.generated_at ?? analysis.timestamp,
    stop: analysis.risk_assessment?.stop_loss_suggestion ?? null,
    target: analysis.risk_assessment?.take_profit_suggestion ?? null,
    reasoning: analysis.reasoning,
    abstention: analysis.abstention ?? null,
    gates: analysis.gates ?? [],
    evidence: analysis.evidence ?? null,
    lanes: analysis.lanes ?? null,
    strategyScores: analysis.strategy_scores ?? {},
    marketAnalysis: analysis.market_analysis ?? {},
    riskAssessment: analysis.risk_assessment ?? {},
    forecast: analysis.forecast ?? null,
    forecastNote: analysis.forecast_note ?? null,
    fallbackReason: analysis.fallback_reason ?? null,
    dataAgeSeconds: analysis.data_age_seconds ?? null,
    analysisId: analysis.analysis_id,
  };
}

/** Return whether a signal no longer counts at this moment, in epoch ms. */
export function isStale(signal, now) {
  return now - signal.generatedAt > SIGNAL_LIFE_MS;
}

/** Return how strongly a signal points, 0 to 1: its confidence, and 0 of Neutral. */
export function strength(signal) {
  return signal.side === "Neutral" ? 0 : signal.confidence;
}

/**
 * Return where a price stands between stop and target: 0 at the stop, 1 at the target, null without a plan.
 */
export function progress(signal, price) {
  if (signal.stop === null || signal.target === null || price === null) return null;
  return (price - signal.stop) / (signal.target - signal.stop);
}
