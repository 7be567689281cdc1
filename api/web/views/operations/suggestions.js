/** What the self-analysis suggests to change; nothing is applied unless an operator accepts it and changes the settings. */
import { html, useState } from "../../core/html.js";
import { useResource } from "../../core/resource.js";
import { Badge } from "../../parts/badges.js";
import { Age } from "../../parts/moments.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { Action } from "./action.js";

export function Suggestions() {
  const found = useResource("ai/config-suggestions");
  return html`<h2>Suggestions</h2><${Resource} resource=${found} isEmpty=${({ suggestions }) => suggestions.length === 0}
    empty=${html`<${Empty} title="No suggestions">The self-analysis looks at the record each night, and suggests only what figures bear out.<//>`}>
    ${({ suggestions }) => html`<div class="panels">${suggestions.map((each) => html`<${Suggestion} key=${each._id} suggestion=${each} reload=${found.reload} />`)}</div>`}
  <//>`;
}

function Suggestion({ suggestion, reload }) {
  const { _id: id, status, created_at: at, suggestions } = suggestion;
  const [applied, setApplied] = useState(null);
  const done = (answer) => {
    setApplied(answer.how_to_apply ?? null);
    reload();
  };
  return html`<article class="panel">
    <div class="row"><${Badge}>${status}<//><span class="aside"><${Age} at=${at} /></span></div>
    <p>${suggestions.summary}</p>
    <p class="aside">${suggestions.risk_assessment}</p>
    ${applied ? html`<p>${applied.note}</p><pre>${applied.yaml}</pre>` : null}
    ${status === "pending" ? html`<div class="bar">
      <${Action} title="Accept" path=${`ai/config-suggestions/${id}`} body=${() => ({ accept: true })} done=${done} />
      <${Action} title="Reject" path=${`ai/config-suggestions/${id}`} body=${() => ({ accept: false })} done=${done} /></div>` : null}
  </article>`;
}
