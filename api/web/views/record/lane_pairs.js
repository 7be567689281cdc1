/** Two lanes on the same candles: what the second adds to the first. */
import { html } from "../../core/html.js";
import { bps, count, number, percent, score } from "../../core/numbers.js";
import { VerdictBadge } from "../../parts/badges.js";
import { Table } from "../../parts/table.js";
import { Empty } from "../../parts/view_state.js";
import { addedWords, HORIZONS, LANES } from "./words.js";

const figure = (title, value) => ({ title, number: true, value });
const ends = (low, high, write) => (low === null ? null : html`<small>[${write(low)}, ${write(high)}]</small>`);
const hits = (right, calls) => (calls ? `${count(right)} of ${count(calls)}` : "–");
const inSentence = (lane) => (lane === "llm" ? LANES.llm : LANES[lane].toLowerCase());
const verb = (lane) => (lane === "rules" || lane === "blend" ? "Do" : "Does");
const COLUMNS = [
  { title: "Question", wide: true, value: ({ first, second }) => html`<strong>${verb(second)} the ${inSentence(second)} add to the ${inSentence(first)}?</strong>` },
  { title: "Judged after", value: ({ horizon, timeframe }) => html`${HORIZONS[horizon]} <small>of ${timeframe} candles</small>` },
  { title: "Verdict", wide: true, value: (row) => html`<${VerdictBadge} verdict=${row.verdict} /> <small>${addedWords(row)}</small>` },
  figure("Same candles; both took a side", ({ moments, calls }) => `${count(moments)}; ${count(calls)}`),
  figure("Only the first right, only the second", (row) => `${count(row.first_right)}, ${count(row.second_right)}`),
  figure("Second right where they differ", (row) => (row.second_better === null ? "–" : html`${percent(row.second_better)} of ${count(row.first_right + row.second_right)} ${ends(row.low, row.high, percent)}`)),
  figure("By chance, at one look", ({ mcnemar_p: p }) => (p === null ? "–" : p < 0.001 ? "< 0.001" : number(p, 2))),
  figure("Gain after costs, bps a moment", (row) => html`${bps(row.net_bps_gain)} ${ends(row.gain_low, row.gain_high, bps)}`),
  figure("Right alone: first, second", (row) => html`${hits(row.first_alone_hits, row.first_alone)},<br />${hits(row.second_alone_hits, row.second_alone)}`),
  figure("Brier gain", (row) => (row.brier_gain === null ? "–" : html`${score(row.brier_gain)} <small>of ${count(row.stated)}</small>${ends(row.brier_low, row.brier_high, score)}`)),
];

/** @param {{pairs: object[], lane?: string, timeframe?: string, horizon?: string}} props Of `ai/lanes`. */
export function LanePairs({ pairs, lane = "", timeframe = "", horizon = "" }) {
  const rows = pairs.filter((pair) => (!lane || pair.first === lane || pair.second === lane)
    && (!timeframe || pair.timeframe === timeframe) && (!horizon || String(pair.horizon) === horizon));
  if (!rows.length) {
    return html`<${Empty} title="No two lanes answered on the same candles">Where an LLM or a model is set up, rules stand beside its
      answers, and are compared once they are settled.<//>`;
  }
  return html`<${Table} caption="Two lanes on the same candles" columns=${COLUMNS} rows=${rows} rowKey=${(row) => `${row.first} ${row.second} ${row.timeframe} ${row.horizon}`} />
    <p class="aside">A lane that is Neutral where the other takes a side earns nothing there. A gain is the second less the first.</p>`;
}
