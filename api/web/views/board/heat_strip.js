/** All symbols in one line, from the strongest Long to the strongest Short: color and height by side and strength. */
import { html } from "../../core/html.js";
import { link } from "../../core/address.js";
import { isStale, strength } from "../../core/signals.js";
import { read, useTopic } from "../../core/store.js";
import { useNow } from "../../core/times.js";
import { share } from "../../core/numbers.js";

/** @param {{symbols: string[]}} props Those that the board shows. */
export function HeatStrip({ symbols }) {
  if (symbols.length === 0) return null;
  const ranked = symbols.map((symbol) => [symbol, leaning(read(`signal:${symbol}`))]).sort(([, one], [, other]) => other - one);
  return html`<nav class="heat" aria-label="All symbols by strength">
    ${ranked.map(([symbol]) => html`<${Cell} key=${symbol} symbol=${symbol} />`)}
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

// From 1, surely Long, to -1, surely Short.
function leaning(signal) {
  return signal.side === "Short" ? -strength(signal) : strength(signal);
}
