/** The track record: a row for each group of calls, each share with its count and its interval, and a verdict in words. */
import { html, useState } from "../../core/html.js";
import { bps, count, percent, riskUnits, share } from "../../core/numbers.js";
import { VerdictBadge } from "../../parts/badges.js";
import { Table } from "../../parts/table.js";
import { IntervalBar } from "./interval.js";
import { HORIZONS, LANES, verdictWords } from "./words.js";

const ROWS = 40;
// What records are told apart by beside their lane: title and value.
const APART = {
  symbol: ["Symbol", ({ symbol }) => symbol],
  side: ["Side", ({ side }) => (side === "Neutral" ? "Neutral, as if Long" : side)],
  version: ["Version", ({ version }) => html`<code>${version}</code>`],
  confidence: ["Confidence", ({ confidence_range: range }) => range],
};
const figure = (title, value) => ({ title, number: true, value });

/** @param {{records: object[], group: string}} props Of `ai/track-record`. */
export function RecordsTable({ records, group }) {
  const [shown, setShown] = useState(ROWS);
  const [title, value] = APART[group] ?? [];
  const columns = [COLUMNS[0], ...(title ? [{ title, value }] : []), ...COLUMNS.slice(1)];
  const key = (row) => [row.lane, row.timeframe, row.horizon, row.version, row.symbol, row.side, row.confidence_range].join(" ");
  return html`<${Table} caption="Settled calls by lane, timeframe and horizon" columns=${columns} rows=${records.slice(0, shown)} rowKey=${key} />
    ${records.length > shown ? html`<p><button onClick=${() => setShown(shown + ROWS)}>Show ${Math.min(ROWS, records.length - shown)} more of ${count(records.length)}</button></p>` : null}
    <p class="aside">Intervals are of 95 % and hold at every look; those of results are before costs. The stroke is what always Long or always Short had at the same
      moments, whichever is better. Calls of markets that move together count as fewer independent ones.</p>`;
}

const COLUMNS = [
  { title: "Lane", value: ({ lane }) => html`<strong>${LANES[lane]}</strong>` },
  { title: "Judged after", value: ({ horizon, timeframe }) => html`<span>${HORIZONS[horizon]}</span> <small>of ${timeframe} candles</small>` },
  { title: "Verdict", wide: true, value: (row) => html`<${VerdictBadge} verdict=${row.verdict} /> <small>${verdictWords(row)}</small>` },
  figure("Calls", ({ count: calls, effective, neutral }) => html`${count(calls)} <small>${count(effective)} independent</small><small>${count(neutral)} Neutral</small>`),
  figure("Right", (row) => html`<${Right} row=${row} />`),
  figure("Basis points a call: before costs, after", (row) => html`${bps(row.bps)}, <b>${bps(row.net_bps)}</b> <${Ends} low=${row.bps_low} high=${row.bps_high} write=${bps} />`),
  figure("R a plan: before costs, after", (row) => (row.r === null ? "–" : html`${riskUnits(row.r)}, <b>${riskUnits(row.net_r)}</b> <${Ends} low=${row.r_low} high=${row.r_high} write=${riskUnits} /><${PlanEnds} row=${row} />`)),
  figure("Stated probability off by", ({ ece, stated }) => (ece === null ? "–" : html`${share(ece)} <small>of ${count(stated)}</small>`)),
  { title: "Days", value: ({ first_day: first, last_day: last }) => html`<small class="days">${first} to ${last}</small>` },
];

function Right({ row: { count: calls, hit_rate: rate, low, high, base_rate: base } }) {
  if (rate === null) return "–";
  const range = `[${percent(low)}, ${percent(high)}]`;
  return html`${percent(rate)} of ${count(calls)} <${IntervalBar} value=${rate} low=${low} high=${high} mark=${base}
      label=${`Right in ${percent(rate)} of ${count(calls)} calls, ${range}; the better side always: ${percent(base)}`} />
    <small>${range}</small><small>to beat: ${percent(base)}</small>`;
}

function PlanEnds({ row: { horizon, targets, stops, times } }) {
  return horizon === "plan" ? html`<small>target: ${count(targets)}</small><small>stop: ${count(stops)}</small><small>time: ${count(times)}</small>` : null;
}

function Ends({ low, high, write }) {
  return low === null ? null : html`<small>[${write(low)}, ${write(high)}]</small>`;
}
