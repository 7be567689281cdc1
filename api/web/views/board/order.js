/** Which symbols the board shows, and in which order: renewed once a second, however often signals change. */
import { useMemo, useRef } from "../../core/html.js";
import { isStale, strength } from "../../core/signals.js";
import { read } from "../../core/store.js";
import { useDerivedFromTime } from "../../core/times.js";

export const ORDERS = {
  newest: ["Newest first", (first, second) => second.generatedAt - first.generatedAt],
  strength: ["Strongest first", (first, second) => strength(second) - strength(first)],
  symbol: ["By symbol", (first, second) => first.symbol.localeCompare(second.symbol)],
};

/**
 * Return the symbols to show: the same array for as long as neither they nor their order change.
 *
 * @param {string[]} symbols All that are known.
 * @param {{text?: string, side?: string, order?: string}} parameters Of the address.
 * @param {{current: Element | null}} list While the focus is in it, cards stay where they are and new ones come last:
 *   a card that is moved loses the focus.
 */
export function useOrder(symbols, { text = "", side = "", order = "newest" }, list) {
  const shown = useRef([]);
  const [, compare] = ORDERS[order] ?? ORDERS.newest;
  const arranged = useDerivedFromTime((now) => {
    const rank = list.current?.contains(document.activeElement) ? new Map(shown.current.map((symbol, at) => [symbol, at])) : new Map();
    const held = (signal) => rank.get(signal.symbol) ?? rank.size;
    return symbols
      .map((symbol) => read(`signal:${symbol}`))
      .filter((signal) => signal.symbol.toLowerCase().includes(text.toLowerCase()) && (!side || signal.side === side))
      .sort((first, second) => held(first) - held(second) || isStale(first, now) - isStale(second, now)
        || compare(first, second) || first.symbol.localeCompare(second.symbol))
      .map((signal) => signal.symbol)
      .join("\n");
  });
  shown.current = useMemo(() => (arranged ? arranged.split("\n") : []), [arranged]);
  return shown.current;
}
