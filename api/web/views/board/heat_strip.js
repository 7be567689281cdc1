/** All symbols in one line: color and height by side and strength. */
import { html } from "../../core/html.js";
import { link } from "../../core/address.js";
import { isStale, strength } from "../../core/signals.js";
import { useTopic } from "../../core/store.js";
import { useNow } from "../../core/times.js";
import { share } from "../../core/numbers.js";

/** @param {{symbols: string[]}} props In the order of the board. */
export function HeatStrip({ symbols }) {
  if (symbols.length === 0) return null;
  return html`<nav class="heat" aria-label="All symbols by strength">
    ${symbols.map((symbol) => html`<${Cell} key=${symbol} symbol=${symbol} />`)}
  </nav>`;
}

function Cell({ symbol }) {
  const signal = useTopic(`signal:${symbol}`);
  const now = useNow();
  if (!signal) return null;
  const stale = isStale(signal, now);
  const text = `${symbol}: ${signal.side}, confidence ${share(signal.confidence)}${stale ? ", stale" : ""}`;
  const level = Math.round(10 * strength(signal));
  return html`<a href=${link("symbol", symbol)} class="cell ${stale ? "stale" : signal.side.toLowerCase()} level-${level}"
    title=${text} aria-label=${text}><i></i></a>`;
}
