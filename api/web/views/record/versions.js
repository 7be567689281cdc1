/** The versions of each lane: a change of what makes it answer as it does starts a new record. */
import { html } from "../../core/html.js";
import { withQuery } from "../../core/api.js";
import { bps, count, percent } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Badge, VerdictBadge } from "../../parts/badges.js";
import { Age, Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { DEFAULT_DAYS } from "./filters.js";
import { usePresentVersion } from "./present_version.js";
import { HORIZONS, LANES, verdictWords } from "./words.js";

const EVERY_MS = 60_000;
const FIRST_HORIZON = "1";
const CHANGES_SHOWN = 4;

/** @param {{parameters: Record<string, string>}} props Of the address. */
export function Versions({ parameters: { days = DEFAULT_DAYS, lane, symbol, timeframe, horizon = FIRST_HORIZON } }) {
  const lanes = useResource(withQuery("ai/lanes", { days }), { everyMs: EVERY_MS });
  const records = useResource(withQuery("ai/track-record", { days, lane, symbol, timeframe, horizon, group: "version" }), { everyMs: EVERY_MS });
  const kept = (found) => found.filter((each) => each.versions.length && (!lane || each.lane === lane));
  return html`<section class="panel"><h2>Versions of the lanes</h2>
    <p class="aside">A change of the rules, the model, the prompt or of a setting that answers depend on makes another version, whose record
      begins anew; where markets have models of their own, versions answer side by side. Figures are those of the last ${days} days, judged
      after ${HORIZONS[horizon]}.</p>
    <${Resource} resource=${lanes} lines=${6} isEmpty=${(data) => kept(data.lanes).length === 0}
      empty=${html`<${Empty} title="No version was written down yet">The version of a lane is written down with its first answer.<//>`}>
      ${(data) => kept(data.lanes).map((each) => html`<${Lane} key=${each.lane} lane=${each.lane} versions=${each.versions}
        records=${(records.data?.records ?? []).filter((record) => record.lane === each.lane)} />`)}
    <//></section>`;
}

function Lane({ lane, versions, records }) {
  const present = usePresentVersion(lane, versions);
  const others = versions.length - 1;
  const rows = [present, ...versions.filter((version) => version !== present)].map((version) => ({
    ...version, present: version === present, records: records.filter((record) => record.version === version.lane_id),
  }));
  return html`<div class="versions"><h3>${LANES[lane]}</h3>
    <p>The present version counts since <${Moment} at=${present.since} /> (<${Age} at=${present.since} />). ${others
      ? `${count(others)} other ${others === 1 ? "version has a record of its own" : "versions have records of their own"}.` : "It is the first."}</p>
    <${Table} caption=${`Versions of ${LANES[lane]}, the present one first`} columns=${COLUMNS} rows=${rows} rowKey=${({ lane_id: id }) => id} />
  </div>`;
}

const COLUMNS = [
  { title: "Version", value: ({ lane_id: id, present }) => html`<code>${id}</code> ${present ? html`<${Badge} tone="good">present<//>` : null}` },
  { title: "Counts since", value: ({ since }) => html`<${Moment} at=${since} />` },
  { title: "What changed", wide: true, value: ({ changed }) => html`<${Changes} changed=${changed} />` },
  { title: "Verdict", wide: true, value: ({ records }) => (records.length ? records.map((record) => html`<p key=${record.timeframe} class="words">
      <${VerdictBadge} verdict=${record.verdict} /> ${record.timeframe}: ${verdictWords(record)}</p>`) : "no settled calls") },
  { title: "Right", number: true, value: ({ records }) => figures(records, ({ hit_rate: rate, count: calls }) => (rate === null ? "–" : `${percent(rate)} of ${count(calls)}`)) },
  { title: "After costs, bps a call", number: true, value: ({ records }) => figures(records, ({ net_bps: net }) => bps(net)) },
  { title: "Days", value: ({ records }) => figures(records, ({ first_day: first, last_day: last }) => html`<small class="days">${first} to ${last}</small>`) },
];

const figures = (records, text) => (records.length ? records.map((record) => html`<div key=${record.timeframe}>${text(record)}</div>`) : "–");

function Changes({ changed }) {
  if (!changed.length) return html`<span class="aside">the first that is kept</span>`;
  const [shown, more] = [changed.slice(0, CHANGES_SHOWN), changed.slice(CHANGES_SHOWN)];
  const list = (parts) => html`<ul class="changes">${parts.map((each) => html`<li key=${each.part}><code>${each.part}</code>: ${each.before ?? "not there"} → ${each.after ?? "no more"}</li>`)}</ul>`;
  return html`${list(shown)}${more.length ? html`<details><summary>${count(more.length)} more</summary>${list(more)}</details>` : null}`;
}
