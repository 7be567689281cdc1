/** A chart of SVG alone, for installations without the chart library. */
import { html } from "../../core/html.js";
import { levels } from "./chart_data.js";

const WIDTH = 960;
const HEIGHT = 380;
const SHOWN = 120;

/** Draws the newest candles and the levels of the signal; takes the properties of `CandleChart`. */
export function PlainChart({ candles, signal }) {
  const shown = candles.slice(-SHOWN);
  const lines = levels(signal, { aside: "aside", bad: "bad", good: "good", accent: "accent" });
  const low = Math.min(...shown.map((candle) => candle.low), ...lines.map(({ price }) => price));
  const high = Math.max(...shown.map((candle) => candle.high), ...lines.map(({ price }) => price));
  const y = (price) => HEIGHT - 8 - ((price - low) / (high - low || 1)) * (HEIGHT - 16);
  const step = (WIDTH - 90) / shown.length;
  return html`<svg class="plain-chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">
    ${shown.map((candle, index) => html`<${PlainCandle} key=${candle.timestamp} candle=${candle} x=${(index + 0.5) * step} width=${step * 0.7} y=${y} />`)}
    ${lines.map(({ title, price, color, dashed }) => html`<g key=${title + price} class="level ${color} ${dashed ? "dashed" : ""}">
      <line x1="0" x2=${WIDTH - 90} y1=${y(price)} y2=${y(price)} /><text x=${WIDTH - 86} y=${y(price) + 4}>${title}</text></g>`)}
  </svg>`;
}

function PlainCandle({ candle: { open, high, low, close }, x, width, y }) {
  const [top, bottom] = [y(Math.max(open, close)), y(Math.min(open, close))];
  return html`<g class=${close >= open ? "long" : "short"}>
    <line x1=${x} x2=${x} y1=${y(high)} y2=${y(low)} />
    <rect x=${x - width / 2} y=${top} width=${width} height=${Math.max(1, bottom - top)} />
  </g>`;
}
