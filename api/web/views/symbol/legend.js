/** The candle under the crosshair, in figures. */
import { html } from "../../core/html.js";
import { change, compact, number, price } from "../../core/numbers.js";
import { Moment } from "../../parts/moments.js";
import { PANES } from "./drawing.js";

/** @param {{candle: object | undefined, index: number, indicators: object, panes: string[]}} props */
export function Legend({ candle, index, indicators, panes }) {
  if (!candle) return null;
  return html`<div class="legend figure">
    <span><${Moment} at=${candle.timestamp} /></span>
    <span>O ${price(candle.open)}</span><span>H ${price(candle.high)}</span><span>L ${price(candle.low)}</span>
    <span>C ${price(candle.close)}</span><span>${change(candle.close / candle.open - 1)}</span><span>V ${compact(candle.volume)}</span>
    ${panes.map((name) => html`<span key=${name}>${PANES[name].title} ${PANES[name].columns.map((column) => number(indicators[column]?.[index])).join(" / ")}</span>`)}
  </div>`;
}
