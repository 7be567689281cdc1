/** Reports and notices of the service to its operators. */
import { html, useState } from "../../core/html.js";
import { useResource } from "../../core/resource.js";
import { LevelBadge } from "../../parts/badges.js";
import { Age, Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";

const FINDINGS = [
  { title: "Level", value: ({ level }) => html`<${LevelBadge} level=${level} />` },
  { title: "About", value: ({ subject }) => subject },
  { title: "Finding", wide: true, value: ({ text }) => text },
];
const NOTICES = [
  { title: "Time", value: ({ created_at: at }) => html`<${Moment} at=${at} />` },
  { title: "Level", value: ({ level }) => html`<${LevelBadge} level=${level} />` },
  { title: "Notice", wide: true, value: ({ title, text }) => html`<strong>${title}</strong><br />${text}` },
  { title: "Sent", value: ({ state }) => state },
];

export function Reports() {
  const reports = useResource("ai/reports?limit=30", { everyMs: 60_000 });
  const notices = useResource("ai/notices?limit=30", { everyMs: 60_000 });
  return html`<div class="panels">
    <div class="panel broad"><h2>Reports</h2><${Resource} resource=${reports} isEmpty=${({ reports: rows }) => rows.length === 0}
      empty=${html`<${Empty} title="No report yet"><a href="#/operations?section=schedule">The schedule</a> says when the next one is due.<//>`}>
      ${({ reports: rows }) => rows.map((report) => html`<${Report} key=${report.report_id} report=${report} />`)}<//></div>
    <div class="panel broad"><h2>Notices</h2><${Resource} resource=${notices} isEmpty=${({ notices: rows }) => rows.length === 0}
      empty=${html`<p class="aside">Nothing was worth a notice.</p>`}>
      ${({ notices: rows }) => html`<${Table} caption="Notices, newest first" columns=${NOTICES} rows=${rows} rowKey=${({ notice_id: id }) => id} />`}<//></div>
  </div>`;
}

function Report({ report }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(event) => setOpen(event.target.open)}>
    <summary><${LevelBadge} level=${report.level} /> ${report.kind.replaceAll("_", " ")}, <${Age} at=${report.created_at} />: ${report.summary}</summary>
    ${open ? html`<${Table} caption=${`Findings of the ${report.kind} report`} columns=${FINDINGS} rows=${report.findings} rowKey=${({ subject, text }) => subject + text} />` : null}
  </details>`;
}
