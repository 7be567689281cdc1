/** The three lanes side by side: what rules, model and LLM say of the same candles by themselves. */
import { html } from "../../core/html.js";
import { percent, share } from "../../core/numbers.js";
import { SignalMark } from "../../parts/signal_mark.js";

const LANES = [["rules", "Rules"], ["model", "Model"], ["llm", "LLM"]];

/** @param {{signal: object}} props */
export function Lanes({ signal: { lanes, forecast, forecastNote } }) {
  return html`<section class="panel"><h2>Three views of the same candles</h2>
    <div class="lanes">${LANES.map(([name, title]) => html`<${Lane} key=${name} title=${title} lane=${lanes?.[name]} />`)}</div>
    ${forecast ? html`<p class="aside">Model: ${forecast.model_version}${forecast.shipped ? ", which came with the service" : ""}.${forecast.leader
      ? ` It read the candles of ${forecast.leader} too.` : ""}</p>` : null}
    ${!lanes?.model && forecastNote ? html`<p class="aside">Model: ${forecastNote}</p>` : null}
  </section>`;
}

function Lane({ title, lane }) {
  return html`<div class="lane"><h3>${title}</h3>
    ${lane ? html`<${SignalMark} side=${lane.side} /><span class="figure">${share(lane.confidence)} confidence</span>
        ${lane.probability === null ? null : html`<span class="aside figure">${percent(lane.probability)} up</span>`}`
      : html`<span class="aside">said nothing</span>`}
  </div>`;
}
