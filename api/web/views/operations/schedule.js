/** Which job is due when, and how its newest one ended. */
import { html } from "../../core/html.js";
import { useResource } from "../../core/resource.js";
import { Badge } from "../../parts/badges.js";
import { Age, Countdown, Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Resource } from "../../parts/view_state.js";

const TONES = { succeeded: "good", failed: "bad", interrupted: "warn" };
const COLUMNS = [
  { title: "Row", value: ({ name }) => name.replaceAll("_", " ") },
  { title: "Times (UTC)", value: ({ cron }) => html`<code>${cron}</code>` },
  { title: "Next", value: ({ next_at: at }) => (at ? html`<${Moment} at=${at} />, in <${Countdown} until=${at} />` : "–") },
  // Without a job the time is that from which on the row is known.
  { title: "Last", value: ({ last_at: at, last_status: status }) => (status ? html`<${Age} at=${at} />` : "–") },
  { title: "Outcome", value: ({ last_status: status }) => (status ? html`<${Badge} tone=${TONES[status] ?? "plain"}>${status}<//>` : "–") },
];

export function Schedule() {
  const schedule = useResource("ai/schedule", { everyMs: 30_000 });
  return html`<div class="panel"><h2>Schedule</h2>
    <${Resource} resource=${schedule}>${({ enabled, jobs }) => html`
      ${enabled ? null : html`<p class="notice warn">The schedule is off: <code>schedule.enabled</code>.</p>`}
      <${Table} caption="Rows of the schedule" columns=${COLUMNS} rows=${jobs} rowKey=${({ name }) => name} />`}<//></div>`;
}
