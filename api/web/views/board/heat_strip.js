/** All symbols in one line, from the strongest Long to the strongest Short: color and height by side and strength. */
import { html } from "../../core/html.js";
import { link } from "../../core/address.js";
import { isStale, strength } from "../../core/signals.js";
import { read, useTopic } from "../../core/store.js";
import { useDerivedFromTime } from "../../core/times.js";
import { share } from "../../core/numbers.js";
import { useDrawnOnce } from "./drawn_once.js";

/** @param {{symbols: string[]}} props Those that the board shows. */
export function HeatStrip({ symbols }) {
  const ranked = useDerivedFromTime(() => [...symbols].sort((one, other) => leaning(other) - leaning(one)).join("\n"));
  const cells = useDrawnOnce(ranked ? ranked.split("\n") : [], (symbol) => html`<${Cell} key=${symbol} symbol=${symbol} />`);
  return cells.length ? html`<nav class="heat" aria-label="All symbols by strength">${cells}</nav>` : null;
}

// Not among the stops of the Tab key: the cards lead to the same places, and there may be hundreds.
function Cell({ symbol }) {
  const signal = useTopic(`signal:${symbol}`);
  const stale = useDerivedFromTime((now) => Boolean(signal) && isStale(signal, now));
  if (!signal) return null;
  const text = `${symbol}: ${signal.side}, confidence ${share(signal.confidence)}${stale ? ", stale" : ""}`;
  const level = Math.round(10 * strength(signal));
  return html`<a href=${link("symbol", symbol)} class="cell ${stale ? "stale" : signal.side.toLowerCase()} level-${level}"
    title=${text} aria-label=${text} tabindex="-1"><span class="bar"><i></i></span><span class="name">${symbol}</span></a>`;
}

// From 1, surely Long, to -1, surely Short.
function leaning(symbol) {
  const signal = read(`signal:${symbol}`);
  return signal.side === "Short" ? -strength(signal) : strength(signal);
}
