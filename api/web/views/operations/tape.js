/** What happens: events of the socket as they come, and the newest lines of the log. */
import { html, useState } from "../../core/html.js";
import { useResource } from "../../core/resource.js";
import { useTopic } from "../../core/store.js";
import { LevelBadge } from "../../parts/badges.js";
import { Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"];
const EVENTS = [
  { title: "Time", value: ({ at }) => html`<${Moment} at=${at} seconds />` },
  { title: "Event", value: ({ type }) => type },
  { title: "About", wide: true, value: ({ data }) => summary(data) },
];
const LINES = [
  { title: "Time", value: ({ time }) => html`<${Moment} at=${time} seconds />` },
  { title: "Level", value: ({ level }) => html`<${LevelBadge} level=${level.toLowerCase()} />` },
  { title: "Message", wide: true, value: ({ message, exception }) => html`${message}${exception ? html`<pre>${exception}</pre>` : null}` },
  { title: "Facts", wide: true, value: ({ facts }) => Object.entries(facts ?? {}).map(([name, value]) => `${name}=${value}`).join(" ") },
];

export function Tape() {
  const events = useTopic("events", []);
  const [level, setLevel] = useState("INFO");
  const log = useResource(`ai/log?lines=100&level=${level}`, { everyMs: 5_000 });
  return html`<div class="panels">
    <div class="panel broad"><h2>Events</h2>
      ${events.length ? html`<div class="tape"><${Table} caption="Events of the socket, newest first" columns=${EVENTS} rows=${events.slice(0, 50)} rowKey=${({ at, type, data }) => `${at}${type}${data?.symbol ?? data?.job_id ?? ""}`} /></div>`
        : html`<${Empty} title="No event yet">Signals, progress of jobs and switches appear here as they come.<//>`}
    </div>
    <div class="panel broad"><div class="row"><h2>Log</h2>
      <label>From <select value=${level} onChange=${(event) => setLevel(event.target.value)}>${LEVELS.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label></div>
      <${Resource} resource=${log} isEmpty=${({ lines }) => lines.length === 0} empty=${html`<p class="aside">No line of this level.</p>`}>
        ${({ lines }) => html`<div class="tape"><${Table} caption="Lines of the log, newest first" columns=${LINES} rows=${lines} rowKey=${({ time, message }) => time + message} /></div>`}
      <//>
    </div>
  </div>`;
}

function summary(data = {}) {
  const { symbol, signal, kind, status, version, name, reason, day } = data;
  return [symbol, signal, kind, status, version, name, day, reason].filter(Boolean).join(" · ");
}
