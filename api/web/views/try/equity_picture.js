/** The account of a backtest over time, beside buying and holding, as a picture with a table behind it. */
import { html } from "../../core/html.js";
import { change } from "../../core/numbers.js";
import { Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";

const WIDTH = 800;
const HEIGHT = 260;
const EDGE = 8;
const ROWS = 24;
// Told apart by their strokes as well as by their colors.
const LINES = [
  ["buy_and_hold", "Buying and holding", "hold"], ["gross_equity", "Before costs", "gross"], ["equity", "After costs", "net"],
];

/** @param {{curve: {times: number[], equity: number[], gross_equity: number[], buy_and_hold: number[]}}} props Multiples of the begin; times in epoch ms. */
export function EquityPicture({ curve }) {
  const values = LINES.flatMap(([key]) => curve[key]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [curve.times[0], curve.times.at(-1)];
  const x = (time) => EDGE + ((time - first) / (last - first || 1)) * (WIDTH - 2 * EDGE);
  const y = (value) => HEIGHT - EDGE - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * EDGE);
  const path = (key) => `M${curve.times.map((time, at) => `${x(time).toFixed(1)} ${y(curve[key][at]).toFixed(1)}`).join("L")}`;
  const said = LINES.map(([key, title]) => `${title} ${change(curve[key].at(-1) - 1)}`).join(", ");
  return html`<figure class="equity">
    <div class="scale figure"><span>${change(high - 1)}</span><span>${change(low - 1)}</span></div>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${`The account over time: ${said}`}>
      <line class="begin" x1="0" x2=${WIDTH} y1=${y(1)} y2=${y(1)} />
      ${LINES.map(([key, , kind]) => html`<path key=${key} class=${kind} d=${path(key)} />`)}
    </svg>
    <div class="scale across figure"><span><${Moment} at=${first} /></span><span><${Moment} at=${last} /></span></div>
    <figcaption>${LINES.map(([key, title, kind]) => html`<span key=${key}><svg class="stroke" viewBox="0 0 28 6" aria-hidden="true"><path
      class=${kind} d="M0 3H28" /></svg> ${title} <span class="figure">${change(curve[key].at(-1) - 1)}</span></span>`)}</figcaption>
    <details><summary>The account as a table</summary>
      <${Table} caption="The account over time" columns=${COLUMNS} rows=${rows(curve)} rowKey=${({ time }) => time} /></details>
  </figure>`;
}

const COLUMNS = [
  { title: "At", value: ({ time }) => html`<${Moment} at=${time} />` },
  ...[...LINES].reverse().map(([key, title]) => ({ title, number: true, value: (row) => change(row[key] - 1) })),
];

/** Return evenly spread points of the curve, the last one among them. */
function rows(curve) {
  const step = Math.max(1, Math.ceil(curve.times.length / ROWS));
  const places = curve.times.map((_, at) => at).filter((at) => (curve.times.length - 1 - at) % step === 0);
  return places.map((at) => ({ time: curve.times[at], ...Object.fromEntries(LINES.map(([key]) => [key, curve[key][at]])) }));
}
