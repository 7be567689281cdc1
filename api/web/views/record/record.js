/** The record: what each lane's calls came to, and the proof that none of them was changed since. */
import { html } from "../../core/html.js";
import { withQuery } from "../../core/api.js";
import { useResource } from "../../core/resource.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { Calendar } from "./calendar.js";
import { Costs } from "./costs.js";
import { Entries } from "./entries.js";
import { Entry } from "./entry.js";
import { DEFAULT_DAYS, Filters } from "./filters.js";
import { LanePairs } from "./lane_pairs.js";
import { OverTime } from "./over_time.js";
import { RecordsTable } from "./records_table.js";
import { Reliability } from "./reliability.js";

const EVERY_MS = 60_000;
// Every answer is settled after one candle, so this horizon has the most calls.
const FIRST_HORIZON = "1";

export function View({ subject, parameters }) {
  return subject ? html`<${Entry} key=${subject} id=${subject} />` : html`<${Record} parameters=${parameters} />`;
}

function Record({ parameters }) {
  const { days = DEFAULT_DAYS, lane, symbol, timeframe, horizon, group = "lane" } = parameters;
  const records = useResource(withQuery("ai/track-record", { days, lane, symbol, timeframe, horizon, group }), { everyMs: EVERY_MS });
  const lanes = useResource(withQuery("ai/lanes", { days }), { everyMs: EVERY_MS });
  return html`<div class="record"><h1>Record</h1>
    <${Filters} parameters=${parameters} />
    <section class="panel"><h2>Track record</h2>
      <${Resource} resource=${records} lines=${8} isEmpty=${(data) => data.count === 0} empty=${html`<${NoCalls} days=${days} />`}>
        ${(data) => html`<${RecordsTable} records=${data.records} group=${group} />`}
      <//></section>
    ${records.data?.count ? html`<div class="panels">${["bps", "r"].map((unit) => html`<${OverTime} key=${unit} unit=${unit}
        timeframe=${timeframe || mostCalls(records.data.records)} horizon=${horizon || FIRST_HORIZON} filters=${{ days, lane, symbol }} />`)}</div>` : null}
    <${Compared} lanes=${lanes} symbol=${symbol} title="Stated and occurred">
      ${(data) => html`<${Reliability} lanes=${data.lanes} lane=${lane} timeframe=${timeframe} />`}<//>
    <${Compared} lanes=${lanes} symbol=${symbol} title="Lanes beside each other">
      ${(data) => html`<${LanePairs} pairs=${data.pairs} lane=${lane} timeframe=${timeframe} horizon=${horizon} />`}<//>
    <${Compared} lanes=${lanes} symbol=${symbol} title="Cost of a right call">
      ${(data) => html`<${Costs} lanes=${data.lanes} lane=${lane} timeframe=${timeframe} horizon=${horizon} />`}<//>
    <section class="panel"><h2>Days and their proofs</h2><${Calendar} parameters=${parameters} days=${days} /></section>
    <section class="panel"><h2>Newest entries</h2><${Entries} parameters=${parameters} /></section>
  </div>`;
}

/** A part that has no figures by symbol: it says so where one is chosen. */
function Compared({ lanes, symbol, title, children }) {
  return html`<section class="panel"><h2>${title}</h2>
    ${symbol ? html`<p class="aside">Of all symbols: these figures are not kept by symbol.</p>` : null}
    <${Resource} resource=${lanes}>${children}<//></section>`;
}

function NoCalls({ days }) {
  return html`<${Empty} title="No settled calls">
    <p>No call of the last ${days} days that fits these choices is settled. An answer is settled once the candles after it have
      closed, and counts where its candles are real and its caller is trusted.</p><//>`;
}

function mostCalls(records) {
  return records.reduce((most, record) => (record.count > most.count ? record : most)).timeframe;
}
