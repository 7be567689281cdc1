/** What a chart draws of the API's answers. Times of the chart are in seconds; those of the API in epoch ms. */
import { compact, price } from "../../core/numbers.js";
import { epoch } from "../../core/times.js";

const OUTCOME_COLORS = { won: "good", lost: "bad", open: "aside" };

/** Return candles for the chart. */
export function bars(candles) {
  return candles.map(({ timestamp, open, high, low, close }) => ({ time: timestamp / 1000, open, high, low, close }));
}

/** Return volumes for the chart, colored by the way the candle went. */
export function volumes(candles, colors) {
  return candles.map(({ timestamp, open, close, volume }) => ({
    time: timestamp / 1000, value: volume, color: close >= open ? colors.longGround : colors.shortGround,
  }));
}

/** Return an indicator's values for the chart, without those of its first candles, which it does not have yet. */
export function line(candles, values) {
  return candles.flatMap(({ timestamp }, index) =>
    values[index] === null || values[index] === undefined ? [] : [{ time: timestamp / 1000, value: values[index] }]);
}

/** Return a mark for each past Long or Short, at the candle in which it was said, colored by what it came to. */
export function marks(analyses, candles, stepMs, colors) {
  const first = candles[0]?.timestamp ?? Infinity;
  const last = candles[candles.length - 1]?.timestamp;
  const seen = new Map();
  for (const analysis of analyses) {
    const at = epoch(analysis.created_at);
    if (analysis.signal === "Neutral" || at < first) continue;
    const open = Math.floor((at - first) / stepMs) * stepMs + first;
    seen.set(`${open} ${analysis.signal}`, { analysis, open });
  }
  return [...seen.values()]
    .sort((one, other) => one.open - other.open)
    .map(({ analysis, open }) => ({
      time: Math.min(open, last) / 1000,
      position: analysis.signal === "Long" ? "belowBar" : "aboveBar",
      shape: analysis.signal === "Long" ? "arrowUp" : "arrowDown",
      color: colors[OUTCOME_COLORS[outcome(analysis)]],
      text: { won: "✓", lost: "✗", open: "" }[outcome(analysis)],
    }));
}

/** Return what a past signal came to: `won`, `lost`, or `open` while it is not settled. */
export function outcome(analysis) {
  const result = worth(analysis);
  if (result === null) return "open";
  return result > 0 ? "won" : "lost";
}

/** Return the result of a past signal in units of its risk, or else its move the right way by its longest horizon. */
export function worth({ r, signal, settlements }) {
  if (r !== null) return r;
  const moves = settlements.filter(({ horizon, move }) => typeof horizon === "number" && move !== null);
  if (!moves.length || signal === "Neutral") return null;
  return moves[moves.length - 1].move * (signal === "Long" ? 1 : -1);
}

/** Return the levels of a signal as lines of the chart: title, price, color, and whether dashed. */
export function levels(signal, colors) {
  if (!signal) return [];
  const { support_levels: support = [], resistance_levels: resistance = [] } = signal.marketAnalysis;
  return [
    ...support.slice(0, 3).map((price) => ({ title: "support", price, color: colors.aside, dashed: true })),
    ...resistance.slice(0, 3).map((price) => ({ title: "resistance", price, color: colors.aside, dashed: true })),
    ...(signal.stop === null ? [] : [{ title: "stop", price: signal.stop, color: colors.bad }]),
    ...(signal.target === null ? [] : [{ title: "target", price: signal.target, color: colors.good }]),
    ...(signal.price === null ? [] : [{ title: signal.stop === null ? "price" : "entry", price: signal.price, color: colors.accent }]),
  ];
}

/** Return the three lines of a forecast of prices ahead: lower bound, middle, upper bound, from the last close on. */
export function band(forecast, candles, stepMs) {
  const last = candles[candles.length - 1];
  if (!forecast?.forecasts?.length || !last) return null;
  const start = { time: last.timestamp / 1000, value: last.close };
  const along = (key) => [start, ...forecast.forecasts.map((point, index) => ({
    time: (last.timestamp + (index + 1) * stepMs) / 1000, value: point[key],
  }))];
  return { low: along("lower"), middle: along("expected_price"), high: along("upper") };
}

/** Return a candle in words. */
export function spoken({ open, high, low, close, volume }, when) {
  const way = close > open ? "up" : close < open ? "down" : "flat";
  return `${when}: ${way}, open ${price(open)}, high ${price(high)}, low ${price(low)}, close ${price(close)}, volume ${compact(volume)}`;
}
