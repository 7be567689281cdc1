/** What lanes that have a price cost, and what each right call cost. */
import { html } from "../../core/html.js";
import { bps, count, dollars, number } from "../../core/numbers.js";
import { Table } from "../../parts/table.js";
import { Empty } from "../../parts/view_state.js";
import { HORIZONS, LANES } from "./words.js";

const figure = (title, value) => ({ title, number: true, value });
const brought = (cost) => (cost === null ? "brought none" : dollars(cost));
const COLUMNS = [
  { title: "Lane", value: ({ lane }) => html`<strong>${LANES[lane]}</strong>` },
  { title: "Timeframe", value: ({ timeframe }) => timeframe },
  { title: "Judged after", value: ({ horizon }) => HORIZONS[horizon] },
  figure("Answers", ({ answers }) => count(answers)),
  figure("Cost", ({ cost_usd: cost }) => dollars(cost)),
  figure("An answer", ({ usd_per_answer: cost }) => dollars(cost)),
  figure("Right calls beyond one side always", ({ right_above_base: right }) => number(right)),
  figure("Each right call", ({ usd_per_right_above_base: cost }) => brought(cost)),
  figure("Basis points after costs, sum", ({ net_bps: net }) => bps(net)),
  figure("Each basis point", ({ usd_per_net_bps: cost }) => brought(cost)),
];

/** @param {{lanes: object[], lane?: string, timeframe?: string, horizon?: string}} props Of `ai/lanes`. */
export function Costs({ lanes, lane = "", timeframe = "", horizon = "" }) {
  const chosen = lanes.filter((each) => !lane || each.lane === lane);
  const rows = chosen.flatMap((each) => each.costs.map((cost) => ({ ...cost, lane: each.lane })))
    .filter((cost) => (!timeframe || cost.timeframe === timeframe) && (!horizon || String(cost.horizon) === horizon));
  const sampled = chosen.filter((each) => each.sampling?.sampling);
  return html`${sampled.map((each) => html`<p key=${each.lane} class="notice warn">${LANES[each.lane]}: ${each.sampling.reason}.</p>`)}
    ${rows.length ? html`<${Table} caption="What lanes with a price cost" columns=${COLUMNS} rows=${rows} rowKey=${(row) => `${row.lane} ${row.timeframe} ${row.horizon}`} />`
      : html`<${Empty} title="No answer with a price is settled">Rules and models cost nothing to ask; what the LLM costs stands here once its
          answers are settled.<//>`}`;
}
