/** Safe mode, and lanes and strategies that take no part. */
import { html, useEffect } from "../../core/html.js";
import { useResource } from "../../core/resource.js";
import { useTopic } from "../../core/store.js";
import { Badge } from "../../parts/badges.js";
import { Age } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Resource } from "../../parts/view_state.js";
import { Action } from "./action.js";

export function Switches() {
  const safe = useResource("ai/safe-mode");
  const parts = useResource("ai/disabled");
  useOn("event:SafeModeChanged", safe.reload);
  useOn("event:DisabledChanged", parts.reload);
  return html`<div class="panels">
    <div class="panel"><h2>Safe mode</h2><p class="aside">While it is on, every answer is Neutral, for whoever asks.</p><${Resource} resource=${safe}>${(state) => html`<${SafeMode} state=${state} reload=${safe.reload} />`}<//></div>
    <div class="panel broad"><h2>Lanes and strategies</h2><${Resource} resource=${parts}>${({ parts: rows }) => html`<${Table}
      caption="Lanes and strategies" columns=${columns(parts.reload)} rows=${rows} rowKey=${({ kind, name }) => kind + name} />`}<//></div>
  </div>`;
}

function useOn(topic, reload) {
  const event = useTopic(topic);
  useEffect(() => {
    if (event) reload();
  }, [event]);
}

function SafeMode({ state: { enabled, reason, changed_at: at }, reload }) {
  return html`<p>${enabled ? html`<${Badge} tone="warn">on<//> Every answer is Neutral: ${reason}` : html`<${Badge} tone="good">off<//>`}
      ${at ? html` <span class="aside">since <${Age} at=${at} /></span>` : null}</p>
    ${enabled ? html`<${Action} title="Switch it off" path="ai/safe-mode" body=${() => ({ enabled: false })} confirm="Let answers be Long and Short again?" done=${reload} />`
      : html`<${Action} title="Switch it on" path="ai/safe-mode" reason body=${(reason) => ({ enabled: true, reason })} confirm="Make every answer Neutral?" done=${reload} />`}`;
}

const columns = (reload) => [
  { title: "Name", value: ({ name }) => name },
  { title: "Kind", value: ({ kind }) => kind },
  { title: "State", value: ({ disabled, reason }) => (disabled ? html`<${Badge} tone="warn">disabled<//> ${reason}` : html`<${Badge} tone="good">takes part<//>`) },
  { title: "Changed", value: ({ changed_at: at, by }) => (at ? html`<${Age} at=${at} /> by ${by}` : "–") },
  { title: "Action", value: ({ name, disabled }) => (disabled
    ? html`<${Action} title="Enable" of=${name} path=${`ai/disabled/${encodeURIComponent(name)}`} body=${() => ({ disabled: false })} done=${reload} />`
    : html`<${Action} title="Disable" of=${name} path=${`ai/disabled/${encodeURIComponent(name)}`} reason body=${(reason) => ({ disabled: true, reason })} confirm=${`Leave ${name} out of answers?`} done=${reload} />`) },
];
