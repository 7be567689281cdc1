/** Which symbols the board shows, and in which order: renewed once a second, however often signals change. */
import { isStale, strength } from "../../core/signals.js";
import { read } from "../../core/store.js";
import { useMemo, useRef } from "../../core/html.js";
import { useDerivedFromTime } from "../../core/times.js";

export const ORDERS = {
  newest: ["Newest first", (first, second) => second.generatedAt - first.generatedAt],
  strength: ["Strongest first", (first, second) => strength(second) - strength(first)],
  symbol: ["By symbol", (first, second) => first.symbol.localeCompare(second.symbol)],
};

/**
 * Return the symbols to show.
 *
 * @param {string[]} symbols All that are known.
 * @param {{text?: string, side?: string, order?: string}} parameters Of the address.
 */
export function useOrder(symbols, { text = "", side = "", order = "newest" }) {
  const now = useNow();
  const [, compare] = ORDERS[order] ?? ORDERS.newest;
  return symbols
    .map((symbol) => read(`signal:${symbol}`))
    .filter((signal) => signal.symbol.toLowerCase().includes(text.toLowerCase()) && (!side || signal.side === side))
    .sort((first, second) => isStale(first, now) - isStale(second, now) || compare(first, second)
      || first.symbol.localeCompare(second.symbol))
    .map((signal) => signal.symbol);
}
