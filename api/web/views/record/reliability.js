/** The reliability diagram: how often what was stated as a probability occurred, each point with its count. */
import { html, useState } from "../../core/html.js";
import { count, percent } from "../../core/numbers.js";
import { Table } from "../../parts/table.js";
import { Empty } from "../../parts/view_state.js";
import { LANES } from "./words.js";

const SIDE = 240;
const LEFT = 44;
const TOP = 22;
const TICKS = [0, 0.25, 0.5, 0.75, 1];
const x = (share) => LEFT + share * SIDE;
const y = (share) => TOP + (1 - share) * SIDE;
const figure = (title, value) => ({ title, number: true, value });
const COLUMNS = [
  { title: "Stated between", value: ({ range }) => range },
  figure("Statements", (row) => count(row.count)),
  figure("Stated, mean", ({ stated }) => percent(stated)),
  figure("Occurred", ({ occurred }) => percent(occurred)),
  figure("Interval", ({ low, high }) => `[${percent(low)}, ${percent(high)}]`),
];

/** @param {{lanes: object[], lane?: string, timeframe?: string}} props Of `ai/lanes`; all of them where none is named. */
export function Reliability({ lanes, lane = "", timeframe = "" }) {
  const found = lanes
    .filter((each) => !lane || each.lane === lane)
    .flatMap((each) => each.calibration.map((one) => ({ ...one, lane: each.lane })))
    .filter((one) => !timeframe || one.timeframe === timeframe);
  if (!found.length) {
    return html`<${Empty} title="No stated probability is settled yet">Plans state how probable it is that their target comes
      first, models that the next candle rises.<//>`;
  }
  return html`<div class="diagrams">${found.map((one) => html`<${Diagram} key=${`${one.lane} ${one.timeframe} ${one.horizon}`} one=${one} />`)}</div>
    <p class="aside">On the diagonal, what is stated is what occurs. Numbers are counts of statements, strokes are intervals of 95 %
      that hold at every look.</p>`;
}

function Diagram({ one: { lane, timeframe, horizon, ranges } }) {
  const [open, setOpen] = useState(false);
  const what = horizon === "plan" ? "the target comes first" : "the next candle rises";
  const title = `${LANES[lane]}, ${timeframe}: ${what}`;
  const whole = ranges.reduce((sum, range) => sum + range.count, 0);
  return html`<figure>
    <figcaption><strong>${title}</strong> <small>${count(whole)} ${whole === 1 ? "statement" : "statements"}</small></figcaption>
    <svg class="reliability" viewBox="0 0 ${LEFT + SIDE + 20} ${TOP + SIDE + 42}" role="img"
      aria-label=${`${title}. Stated against occurred, of ${count(whole)} statements; a table follows below.`}>
      ${TICKS.map((tick) => html`<g key=${tick} class="grid">
        <line x1=${x(tick)} x2=${x(tick)} y1=${y(0)} y2=${y(1)} /><line x1=${x(0)} x2=${x(1)} y1=${y(tick)} y2=${y(tick)} />
        <text x=${x(tick)} y=${y(0) + 15} text-anchor="middle">${percent(tick, 0)}</text>
        <text x=${LEFT - 6} y=${y(tick) + 4} text-anchor="end">${percent(tick, 0)}</text></g>`)}
      <line class="diagonal" x1=${x(0)} y1=${y(0)} x2=${x(1)} y2=${y(1)} />
      <text x=${x(0.5)} y=${y(0) + 34} text-anchor="middle">stated; upwards: occurred</text>
      ${ranges.map((range) => html`<g key=${range.range} class="lane-${lane}">
        <line x1=${x(range.stated)} x2=${x(range.stated)} y1=${y(range.low)} y2=${y(range.high)} />
        <circle cx=${x(range.stated)} cy=${y(range.occurred)} r="4" />
        <text x=${x(range.stated) + 7} y=${y(range.occurred) - 6}>${count(range.count)}</text></g>`)}
    </svg>
    <details onToggle=${(event) => setOpen(event.target.open)}><summary>As a table</summary>
      ${open ? html`<${Table} caption=${`${title}: stated and occurred`} columns=${COLUMNS} rows=${ranges} rowKey=${({ range }) => range} />` : null}
    </details>
  </figure>`;
}
