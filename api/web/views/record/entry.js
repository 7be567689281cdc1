/** One entry of the ledger with the proof that it was not changed since. */
import { html } from "../../core/html.js";
import { count, percent, price, share } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Moment } from "../../parts/moments.js";
import { SignalMark } from "../../parts/signal_mark.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { Marks, Outcomes } from "./entries.js";
import { LANES } from "./words.js";

const DAY_IS_OPEN = 409;

/** @param {{id: string}} props Of the entry. */
export function Entry({ id }) {
  const path = `ai/ledger/${encodeURIComponent(id)}`;
  const entry = useResource(path);
  const proof = useResource(entry.data ? `${path}/proof` : null);
  return html`<div class="record"><h1>Entry of the ledger</h1>
    <p><a href="#/record?section=entries">Back to the record</a></p>
    <section class="panel"><h2>What was said</h2><${Resource} resource=${entry}>${(data) => html`<${Said} entry=${data} />`}<//></section>
    ${entry.data ? html`<section class="panel"><h2>Its proof</h2>
      ${proof.problem?.status === DAY_IS_OPEN ? html`<${Empty} title="Its day is not closed yet">${proof.problem.message}<//>`
        : html`<${Resource} resource=${proof}>${(data) => html`<${Proof} proof=${data} path=${path} />`}<//>`}</section>` : null}
  </div>`;
}

function Said({ entry }) {
  return html`<p class="row"><strong>${entry.symbol} ${entry.timeframe}</strong> ${LANES[entry.lane]} <${SignalMark} side=${entry.side} /> <${Marks} row=${entry} /></p>
    <dl class="facts">
      <dt>Said</dt><dd><${Moment} at=${entry.known_at} seconds /></dd>
      <dt>Newest closed candle</dt><dd><${Moment} at=${entry.closed_at} /></dd>
      <dt>Kind</dt><dd>${entry.kind}</dd>
      <dt>Confidence</dt><dd>${share(entry.confidence)}</dd>
      <dt>Price</dt><dd>${price(entry.price)}</dd>
      ${entry.plan ? html`<dt>Stop, target</dt><dd>${price(entry.plan.stop)}, ${price(entry.plan.target)}, within ${count(entry.plan.horizon_candles)} candles</dd>` : null}
      ${entry.target_first === null ? null : html`<dt>Stated: target first</dt><dd>${percent(entry.target_first)}</dd>`}
      ${entry.probability_up === null ? null : html`<dt>Stated: next candle rises</dt><dd>${percent(entry.probability_up)}</dd>`}
      <dt>Version of the lane</dt><dd><code>${entry.lane_id}</code></dd>
      <dt>What came of it</dt><dd><${Outcomes} settlements=${entry.settlements} settled=${entry.settled} scored=${entry.scored} /></dd>
    </dl>`;
}

function Proof({ proof, path }) {
  const { day } = proof;
  return html`<div class="proof"><p>Entry ${count(proof.index + 1)} of ${count(day.entries)} of ${day.day}. Its hash, with the neighbors on the way up,
      gives the root of the day (RFC 6962), which is chained to the day before.</p>
    <dl>
      <dt>Hash of the entry</dt><dd><code>${proof.leaf}</code></dd>
      <dt>Neighbors, the lowest first</dt><dd><ol>${proof.path.map((hash) => html`<li key=${hash}><code>${hash}</code></li>`)}</ol></dd>
      <dt>Root of the day</dt><dd><code>${day.root}</code></dd>
      <dt>Chain of the day before</dt><dd><code>${proof.previous}</code></dd>
      <dt>Chained</dt><dd><code>${day.chained}</code></dd>
      <dt>Closed</dt><dd><${Moment} at=${day.closed_at} seconds /></dd>
    </dl>
    <p><a href=${`${path}/proof`}>The proof as JSON</a> <a href=${`ai/ledger/export?day=${day.day}`} download>The whole day as NDJSON</a></p></div>`;
}
