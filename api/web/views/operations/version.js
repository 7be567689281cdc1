/** One version of a model: how it was judged and trained, what was tried beside it, and its card. */
import { html } from "../../core/html.js";
import { count } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Markdown } from "../../parts/markdown.js";
import { Moment } from "../../parts/moments.js";
import { Resource } from "../../parts/view_state.js";
import { TrainingCurve } from "./training_curve.js";

/** Return a market of models, such as `BTCUSDT 1h` or `* 1h`, in words. */
export const marketName = (market) => market.replace("* ", "any market, ");

/** @param {{version: string, asked?: string}} props Its name, and the query that says of which further horizon it is. */
export function Version({ version, asked = "" }) {
  const model = useResource(`ai/models/${version}${asked}`);
  const card = useResource(`ai/models/${version}/card${asked}`);
  return html`<div class="panel broad"><h2>${version}</h2>
    <${Resource} resource=${model}>${(details) => html`
      <h3>What the gate found</h3>
      ${details.reasons.length ? html`<ul>${details.reasons.map((reason) => html`<li key=${reason}>${reason}</li>`)}</ul>`
        : html`<p class="aside">It was never judged: a person decides whether it serves.</p>`}
      <h3>Trials</h3>
      <p><${Trials} model=${details} /></p>
      <h3>Training</h3>
      <${TrainingCurve} history=${details.metadata.training_history} />
    `}<//></div>
    <section class="panel broad" aria-label=${`Card of ${version}`}><h2>Card</h2>
      <${Resource} resource=${card} lines=${8} isEmpty=${(text) => !text} empty=${html`<p class="aside">It has no card.</p>`}>${(text) => html`<${Markdown} text=${text} />`}<//>
    </section>`;
}

/** How many settings were judged on the candles by which this version was judged. */
function Trials({ model: { trials, shipped, symbol, timeframe, metadata } }) {
  if (shipped) return "Not counted here: it came with the service, and its settings were chosen before.";
  if (trials === null) return "None: it was imported, and no candles of it were judged.";
  const { first_ms: first, last_ms: last } = metadata.judged ?? metadata.data;
  const markets = metadata.data.markets.join(", ") || symbol;
  if (trials === 1) return html`No other settings were judged on candles of ${markets} ${timeframe} from <${Moment} at=${first} /> to <${Moment} at=${last} />.`;
  return html`${count(trials)} settings were judged on some of the candles of ${markets} ${timeframe} from <${Moment} at=${first} /> to <${Moment} at=${last} />,
    this version included. The best of many looks better than it is.`;
}
