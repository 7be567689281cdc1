/** The parts of the service: what does not work, why, and what helps; the store and its cache. */
import { html } from "../../core/html.js";
import { count, percent } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { useTopic } from "../../core/store.js";
import { LevelBadge } from "../../parts/badges.js";
import { Age } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Resource } from "../../parts/view_state.js";
import { marketName } from "./version.js";

const EVERY_MS = 15_000;
const PROBLEMS = [
  { title: "Part", value: ({ part }) => part },
  { title: "What is wrong", wide: true, value: ({ reason }) => reason },
  { title: "What helps", wide: true, value: ({ remedy }) => remedy },
];
const FINDINGS = [
  { title: "Level", value: ({ level }) => html`<${LevelBadge} level=${level} />` },
  { title: "About", value: ({ subject }) => subject },
  { title: "Finding", wide: true, value: ({ text }) => text },
];
const ANALYZED = [
  { title: "Symbol", value: ({ symbol }) => html`<a href=${`#/symbol/${encodeURIComponent(symbol)}`}>${symbol}</a>` },
  { title: "Cached", number: true, value: ({ analysis_count: cached }) => count(cached) },
  { title: "Newest", value: ({ latest_analysis: at }) => html`<${Age} at=${at} />` },
];

export function Health() {
  const health = useResource("health", { everyMs: EVERY_MS });
  const storage = useResource("ai/storage/stats", { everyMs: EVERY_MS });
  return html`<div class="panels">
    <div class="panel broad"><h2>Parts</h2><${Resource} resource=${health}>${(data) => html`<${Parts} health=${data} />`}<//></div>
    <div class="panel broad"><h2>Newest check</h2><${Checked} /></div>
    <div class="panel"><h2>Service</h2><${Resource} resource=${health}>${(data) => html`<${Facts} health=${data} />`}<//></div>
    <div class="panel"><h2>Store and cache</h2><${Resource} resource=${storage}>${(data) => html`<${Storage} storage=${data} />`}<//></div>
  </div>`;
}

function Parts({ health: { status, problems, warnings } }) {
  return html`<p><${LevelBadge} level=${status} /> ${problems.length ? `${problems.length === 1 ? "1 part does" : `${problems.length} parts do`} not work as ${problems.length === 1 ? "it" : "they"} should.` : "Every part works."}</p>
    ${problems.length ? html`<${Table} caption="Parts that do not work" columns=${PROBLEMS} rows=${problems} rowKey=${({ part }) => part} />` : null}
    ${warnings.map((text) => html`<p key=${text} class="notice warn">${text}</p>`)}`;
}

/** What the scheduled look at the parts found last; reports are for administrators. */
function Checked() {
  const token = useTopic("admin");
  const reports = useResource(token ? "ai/reports?kind=health&limit=1" : null, { everyMs: 60_000 });
  if (!token) return html`<p class="aside">Health reports are shown with the administrator's token.</p>`;
  return html`<${Resource} resource=${reports} isEmpty=${({ reports: rows }) => rows.length === 0}
    empty=${html`<p class="aside">No health report yet: <a href="#/operations?section=schedule">the schedule</a> says when the next one is due.</p>`}>
    ${({ reports: [newest] }) => html`<p><${LevelBadge} level=${newest.level} /> <${Age} at=${newest.created_at} />: ${newest.summary}</p>
      ${newest.findings.length ? html`<${Table} caption="Findings of the newest health report" columns=${FINDINGS} rows=${newest.findings} rowKey=${({ subject, text }) => subject + text} />` : null}`}
  <//>`;
}

function Facts({ health }) {
  const { last_cycle: cycle, market_data: sources } = health;
  const failed = Object.entries(cycle?.failures ?? {});
  return html`<dl class="facts">
    <dt>Version</dt><dd>${health.version}</dd>
    <dt>Store</dt><dd>${health.store}</dd>
    <dt>Sources</dt><dd>${Object.entries(sources).map(([name, works]) => `${name} ${{ true: "✓", false: "✗" }[works] ?? "not asked yet"}`).join(", ")}</dd>
    <dt>LLM</dt><dd>${health.gpt4_available ? "available" : health.api_key_configured ? "not available" : "no key"}</dd>
    <dt>Models in production</dt><dd>${Object.entries(health.models).map(([market, version]) => html`<div key=${market}>${marketName(market)}: ${version}</div>`)}${Object.keys(health.models).length ? null : "none"}</dd>
    <dt>Listening sockets</dt><dd>${count(health.websocket_clients)}</dd>
    <dt>Newest cycle</dt><dd>${cycle ? html`<${Age} at=${cycle.started_at} />, ${cycle.duration_seconds.toFixed(1)} s` : health.periodic_analysis ? "none yet" : "the periodic analysis is off"}</dd>
    ${failed.map(([symbol, reason]) => html`<dt key=${symbol}>${symbol}</dt><dd>${reason}</dd>`)}
  </dl>`;
}

function Storage({ storage }) {
  const asked = storage.cache_hits + storage.cache_misses;
  return html`<dl class="facts">
      <dt>Cached analyses</dt><dd>${count(storage.total_analyses)}</dd>
      <dt>Archived analyses</dt><dd>${count(storage.archived_analyses)}</dd>
      <dt>Cache hits</dt><dd>${asked ? `${percent(storage.cache_hit_rate, 0)} of ${count(asked)}` : "not asked yet"}</dd>
    </dl>
    ${storage.symbol_breakdown.length ? html`<${Table} caption="Cached analyses by symbol" columns=${ANALYZED} rows=${storage.symbol_breakdown} rowKey=${({ symbol }) => symbol} />` : null}`;
}
