/** The words of the record: lanes, horizons, groups and verdicts, as people read them. */
import { count } from "../../core/numbers.js";

export const LANES = { rules: "Rules", model: "Model", llm: "LLM", blend: "Rules and model", shadow: "Candidate" };
export const HORIZONS = { 1: "1 candle", 4: "4 candles", 12: "12 candles", 24: "24 candles", plan: "the plan's end" };
export const TIMEFRAMES = ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "8h", "12h", "1d", "1w"];
export const PERIODS = { 7: "7 days", 30: "30 days", 90: "90 days", 400: "400 days" };
export const GROUPS = { lane: "Lane", symbol: "Lane and symbol", side: "Lane and side", version: "Lane and version", confidence: "Lane and confidence" };

const AT_CANDLES = {
  positive: "right more often than always one side, and pays its costs",
  weak: "right more often than always one side; whether it pays its costs is open",
  none: "not surely right more often than always one side",
  inverted: "right less often than the worse side always",
};
const OF_PLANS = {
  positive: "earns more than its costs",
  weak: "earns; whether more than its costs is open",
  none: "not surely above zero",
  inverted: "loses even before costs",
};
const OF_PAIRS = {
  positive: "it is right more often where the two differ, and earns more",
  weak: "it is right more often where the two differ; whether it earns more is open",
  none: "not surely: where the two differ, either is right about as often",
  inverted: "it is right less often where the two differ",
};

/** Return the verdict on a record of `ai/track-record` in words. */
export function verdictWords({ verdict, horizon, effective }) {
  if (verdict === "insufficient") return `${count(effective)} independent ${effective === 1 ? "call is" : "calls are"} too few to tell`;
  return (horizon === "plan" ? OF_PLANS : AT_CANDLES)[verdict];
}

/** Return what the second lane of a pair of `ai/lanes` adds to the first, in words. */
export function addedWords({ verdict, first_right: first, second_right: second }) {
  if (verdict === "insufficient") return `only one of them was right at ${count(first + second)} moments: too few to tell`;
  return OF_PAIRS[verdict];
}

/** Return how the share of closes within bands of `price_bands` stands to the share that they are meant to hold, in words. */
export function bandWords({ coverage, share, low, high }) {
  if (share === null) return "none is settled yet";
  if (high < coverage) return "too narrow: they hold fewer closes than meant";
  if (low > coverage) return "wider than needed: they hold more closes than meant";
  return "not surely other than meant";
}
