/** The record: what each lane's calls came to, and the proof that none of them was changed since. */
import { html } from "../../core/html.js";
import { withQuery } from "../../core/api.js";
import { useResource } from "../../core/resource.js";
import { Sections } from "../../parts/sections.js";
import { Resource } from "../../parts/view_state.js";
import { Calendar } from "./calendar.js";
import { Costs } from "./costs.js";
import { Entries } from "./entries.js";
import { Entry } from "./entry.js";
import { DEFAULT_DAYS, Filters } from "./filters.js";
import { LanePairs } from "./lane_pairs.js";
import { NoCalls } from "./no_calls.js";
import { PriceBands } from "./price_bands.js";
import { RecordsTable } from "./records_table.js";
import { Reliability } from "./reliability.js";
import { Verdict } from "./verdict.js";
import { Versions } from "./versions.js";

const EVERY_MS = 60_000;

const WHICH = ["days", "lane", "symbol", "timeframe", "horizon"];
// The verdict first; then what it rests on, from the figures down to the single entry: title, part, and its filters.
const SECTIONS = {
  verdict: ["Verdict", Verdict, WHICH],
  calls: ["Calls", Calls, [...WHICH, "group"]],
  calibration: ["Calibration", Calibration, ["days", "lane", "timeframe"]],
  lanes: ["Lanes compared", Lanes, ["days", "lane", "timeframe", "horizon"]],
  bands: ["Price bands", Bands, ["days", "timeframe", "horizon"]],
  versions: ["Versions", Versions, WHICH],
  days: ["Days and proofs", Days, ["days"]],
  entries: ["Entries", NewestEntries, ["lane", "symbol", "timeframe"]],
};
const TITLES = Object.fromEntries(Object.entries(SECTIONS).map(([name, [title]]) => [name, title]));

export function View({ subject, parameters }) {
  return subject ? html`<${Entry} key=${subject} id=${subject} />` : html`<${Record} parameters=${parameters} />`;
}

function Record({ parameters }) {
  const name = SECTIONS[parameters.section] ? parameters.section : "verdict";
  const [, Section, filters] = SECTIONS[name];
  return html`<div class="record"><h1>Record</h1>
    <${Sections} view="record" label="Parts of the record" titles=${TITLES} current=${name} parameters=${{ ...parameters, cursor: null }} />
    <${Filters} parameters=${parameters} names=${filters} />
    <${Section} key=${name} parameters=${parameters} />
  </div>`;
}

function Calls({ parameters: { days = DEFAULT_DAYS, lane, symbol, timeframe, horizon, group = "lane" } }) {
  const records = useResource(withQuery("ai/track-record", { days, lane, symbol, timeframe, horizon, group }), { everyMs: EVERY_MS });
  return html`<section class="panel"><h2>Track record</h2>
    <${Resource} resource=${records} lines=${8} isEmpty=${(data) => data.count === 0} empty=${html`<${NoCalls} days=${days} />`}>
      ${(data) => html`<${RecordsTable} records=${data.records} group=${group} />`}
    <//></section>`;
}

function Calibration({ parameters: { days = DEFAULT_DAYS, lane, symbol, timeframe } }) {
  const lanes = useResource(withQuery("ai/lanes", { days }), { everyMs: EVERY_MS });
  return html`<${Compared} lanes=${lanes} symbol=${symbol} title="Stated and occurred">
    ${(data) => html`<${Reliability} lanes=${data.lanes} lane=${lane} timeframe=${timeframe} />`}<//>`;
}

function Lanes({ parameters: { days = DEFAULT_DAYS, lane, symbol, timeframe, horizon } }) {
  const lanes = useResource(withQuery("ai/lanes", { days }), { everyMs: EVERY_MS });
  return html`<${Compared} lanes=${lanes} symbol=${symbol} title="Lanes beside each other">
      ${(data) => html`<${LanePairs} pairs=${data.pairs} lane=${lane} timeframe=${timeframe} horizon=${horizon} />`}<//>
    <${Compared} lanes=${lanes} symbol=${symbol} title="Cost of a right call">
      ${(data) => html`<${Costs} lanes=${data.lanes} lane=${lane} timeframe=${timeframe} horizon=${horizon} />`}<//>`;
}

function Bands({ parameters: { days = DEFAULT_DAYS, symbol, timeframe, horizon } }) {
  const lanes = useResource(withQuery("ai/lanes", { days }), { everyMs: EVERY_MS });
  return html`<${Compared} lanes=${lanes} symbol=${symbol} title="Bands of prices">
    ${(data) => html`<${PriceBands} bands=${data.price_bands} timeframe=${timeframe} horizon=${horizon} />`}<//>`;
}

function Days({ parameters }) {
  return html`<section class="panel"><h2>Days and their proofs</h2><${Calendar} parameters=${parameters} days=${parameters.days ?? DEFAULT_DAYS} /></section>`;
}

function NewestEntries({ parameters }) {
  return html`<section class="panel"><h2>Newest entries</h2><${Entries} parameters=${parameters} /></section>`;
}

/** A part that has no figures by symbol: it says so where one is chosen. */
function Compared({ lanes, symbol, title, children }) {
  return html`<section class="panel"><h2>${title}</h2>
    ${symbol ? html`<p class="aside">Of all symbols: these figures are not kept by symbol.</p>` : null}
    <${Resource} resource=${lanes}>${children}<//></section>`;
}
