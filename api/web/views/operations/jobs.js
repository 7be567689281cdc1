/** Long work: what waits and runs, with live bars; cancel, retry, and start a training. */
import { html, useEffect } from "../../core/html.js";
import { number } from "../../core/numbers.js";
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
  const heard = sinceThen(useTopic("events", []), jobs.at);
  // A job that the list does not have yet, or that has ended since, is worth a look at all of them.
  const changed = [...heard.values()].filter(({ job_id: id, status }) => OVER.includes(status) || !jobs.data.jobs.some((row) => row.job_id === id));
  const reason = changed.map(({ job_id: id, status }) => `${id} ${status}`).join();
  useEffect(() => {
    if (reason) jobs.reload();
  }, [reason]);
  return html`<div class="panel"><h2>Train a model</h2><${TrainForm} done=${jobs.reload} /></div>
    <div class="panel"><h2>Jobs</h2>
      <${Resource} resource=${jobs} isEmpty=${({ jobs: rows }) => rows.length === 0}
        empty=${html`<${Empty} title="No jobs yet">Trainings, backtests and what the schedule queues appear here.<//>`}>
        ${({ jobs: rows, complete }) => html`
          ${complete ? null : html`<p class="notice warn">The store is away: only the jobs of this process are known.</p>`}
          <${Table} caption="Jobs, newest first" columns=${columns(jobs.reload)} rows=${rows.map((row) => ({ ...row, ...heard.get(row.job_id) }))} rowKey=${({ job_id: id }) => id} />`}
      <//>
    </div>`;
}

/** Return the newest progress of each job that came after the list did: several run at a time. */
function sinceThen(events, at) {
  const heard = new Map();
  for (const event of at === null ? [] : events) {
    if (event.at < at) break;
    if (event.type === "JobProgress" && !heard.has(event.data.job_id)) heard.set(event.data.job_id, event.data);
  }
  return heard;
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
  return Object.entries(parameters).filter(([, value]) => ["string", "number"].includes(typeof value)).map(([, value]) => String(value)).slice(0, 5).join(", ");
}

function Progress({ job: { progress, status, error } }) {
  if (error) return html`<span class="problem">${typeof error === "string" ? error : error.message ?? JSON.stringify(error)}</span>`;
  if (!progress || OVER.includes(status)) return null;
  const share = progress.share ?? null;
  const { epoch, epochs, validation_loss: loss } = progress;
  const learned = epoch === null ? "" : `, epoch ${epoch} of ${epochs}${loss === null ? "" : `, validation loss ${number(loss)}`}`;
  const text = `${progress.stage ?? "running"}${learned}${progress.seconds_left ? `, about ${Math.round(progress.seconds_left)} s left` : ""}`;
  return html`<span class="aside">${text}</span>${share === null ? null : html`<${Meter} value=${share} label=${`${text}: ${Math.round(100 * share)} %`} />`}`;
}

function Actions({ job: { job_id: id, status, kind, parameters }, reload }) {
  const of = [kind.replaceAll("_", " "), about(parameters)].filter(Boolean).join(", ");
  if (status === "queued" || status === "running") {
    return html`<${Action} title="Cancel" of=${of} path=${`jobs/${id}`} method="DELETE" confirm=${`Cancel this job (${kind})?`} done=${reload} />`;
  }
  return status === "succeeded" ? null : html`<${Action} title="Retry" of=${of} path=${`jobs/${id}/retry`} done=${reload} />`;
}
