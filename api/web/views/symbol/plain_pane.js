/** An indicator below a plain chart: its columns as lines, and the histogram of MACD as bars. */
import { html } from "../../core/html.js";
import { number } from "../../core/numbers.js";
import { PANES } from "./drawing.js";

const EDGE = 8;
// RSI runs from 0 to 100, and these are its usual marks; the others have their own range.
const SCALES = { rsi: { range: [0, 100], lines: [30, 70] }, macd: { range: null, lines: [0] } };

/**
 * @param {{name: string, indicators: Record<string, (number | null)[]>, first: number, step: number, width: number,
 *   top: number, height: number}} props `first` is the index of the first candle that is shown; sizes are in pixels.
 */
export function PlainPane({ name, indicators, first, step, width, top, height }) {
  const columns = PANES[name].columns.map((column) => [column, (indicators[column] ?? []).slice(first)]);
  const known = columns.flatMap(([, values]) => values).filter((value) => value !== null && value !== undefined);
  if (!known.length) return null;
  const { range, lines } = SCALES[name];
  const [low, high] = range ?? [Math.min(0, ...known), Math.max(0, ...known)];
  const y = (value) => top + height - EDGE - ((value - low) / (high - low || 1)) * (height - 2 * EDGE);
  const x = (index) => (index + 0.5) * step;
  return html`<g class="pane ${name}">
    <line class="edge" x1="0" x2=${width} y1=${top} y2=${top} />
    ${lines.map((value) => html`<g key=${value}><line x1="0" x2=${width} y1=${y(value)} y2=${y(value)} /><text x=${width + 6} y=${y(value) + 4}>${number(value)}</text></g>`)}
    ${columns.map(([column, values]) => (column.endsWith("histogram")
      ? values.map((value, index) => html`<line key=${`${column} ${index}`} class=${column} x1=${x(index)} x2=${x(index)} y1=${y(0)} y2=${y(value ?? 0)} />`)
      : html`<path key=${column} class=${column} d=${path(values, x, y)} />`))}
    <text x="4" y=${top + 14}>${PANES[name].title}</text>
  </g>`;
}

/** Return the line of an indicator, without the first values, which it does not have yet. */
function path(values, x, y) {
  const points = values.flatMap((value, index) => (value === null || value === undefined ? [] : [`${x(index).toFixed(1)} ${y(value).toFixed(1)}`]));
  return points.length ? `M${points.join("L")}` : "";
}
