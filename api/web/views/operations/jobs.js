/** Long work: what waits and runs, with live bars; cancel, retry, and start a training. */
import { html, useEffect } from "../../core/html.js";
import { useResource } from "../../core/resource.js";
import { useTopic } from "../../core/store.js";
import { Badge } from "../../parts/badges.js";
import { Meter } from "../../parts/meter.js";
import { Age } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { Action } from "./action.js";
import { TrainForm } from "./train_form.js";

const EVERY_MS = 15_000;
const TONES = { succeeded: "good", failed: "bad", interrupted: "warn", cancelled: "plain", running: "plain", queued: "plain" };
const OVER = ["succeeded", "failed", "cancelled", "interrupted"];

export function Jobs() {
  const jobs = useResource("jobs?limit=50", { everyMs: EVERY_MS });
  const event = useTopic("event:JobProgress");
  // An event of a job that the list does not have yet, or that has ended, is worth a look at all of them.
  const known = jobs.data?.jobs.find(({ job_id: id }) => id === event?.data.job_id);
  useEffect(() => {
    if (event && jobs.data && (!known || OVER.includes(event.data.status))) jobs.reload();
  }, [event]);
  return html`<div class="panel"><h2>Train a model</h2><${TrainForm} done=${jobs.reload} /></div>
    <div class="panel"><h2>Jobs</h2>
      <${Resource} resource=${jobs} isEmpty=${({ jobs: rows }) => rows.length === 0}
        empty=${html`<${Empty} title="No jobs yet">Trainings, backtests and what the schedule queues appear here.<//>`}>
        ${({ jobs: rows, complete }) => html`
          ${complete ? null : html`<p class="notice warn">The store is away: only the jobs of this process are known.</p>`}
          <${Table} caption="Jobs, newest first" columns=${columns(jobs.reload)} rows=${rows.map((row) => newest(row, event))} rowKey=${({ job_id: id }) => id} />`}
      <//>
    </div>`;
}

function newest(row, event) {
  return event?.data.job_id === row.job_id && !OVER.includes(row.status) ? { ...row, ...event.data } : row;
}

const columns = (reload) => [
  { title: "Kind", value: ({ kind }) => kind.replaceAll("_", " ") },
  { title: "About", wide: true, value: ({ parameters }) => about(parameters) },
  { title: "State", value: (job) => html`<${Badge} tone=${TONES[job.status]}>${job.status}<//>` },
  { title: "Progress", wide: true, value: (job) => html`<${Progress} job=${job} />` },
  { title: "Queued", value: ({ created_at: at }) => html`<${Age} at=${at} />` },
  { title: "Action", value: (job) => html`<${Actions} job=${job} reload=${reload} />` },
];

function about(parameters) {
  return Object.entries(parameters).filter(([, value]) => value !== null && typeof value !== "object").map(([, value]) => String(value)).slice(0, 5).join(", ");
}

function Progress({ job: { progress, status, error } }) {
  if (error) return html`<span class="problem">${typeof error === "string" ? error : error.message ?? JSON.stringify(error)}</span>`;
  if (!progress || OVER.includes(status)) return null;
  const share = progress.share ?? null;
  const text = `${progress.stage ?? "running"}${progress.seconds_left ? `, about ${Math.round(progress.seconds_left)} s left` : ""}`;
  return html`<span class="aside">${text}</span>${share === null ? null : html`<${Meter} value=${share} label=${`${text}: ${Math.round(100 * share)} %`} />`}`;
}

function Actions({ job: { job_id: id, status, kind }, reload }) {
  if (status === "queued" || status === "running") {
    return html`<${Action} title="Cancel" path=${`jobs/${id}`} method="DELETE" confirm=${`Cancel this job (${kind})?`} done=${reload} />`;
  }
  return status === "succeeded" ? null : html`<${Action} title="Retry" path=${`jobs/${id}/retry`} done=${reload} />`;
}
