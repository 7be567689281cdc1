/** One lane in a card: the verdict in words, the figures that it rests on, and since when its present version counts. */
import { html } from "../../core/html.js";
import { link } from "../../core/address.js";
import { bps, count, percent, riskUnits } from "../../core/numbers.js";
import { VerdictBadge } from "../../parts/badges.js";
import { Moment } from "../../parts/moments.js";
import { IntervalBar } from "./interval.js";
import { usePresentVersion } from "./present_version.js";
import { HORIZONS, LANES, verdictWords } from "./words.js";

/**
 * @param {{lane: string, horizon: string, records: object[], versions: object[], parameters: Record<string, string>}} props
 *   `records` are those of the lane and a timeframe, `versions` the newest first, `parameters` those of the address.
 */
export function LaneVerdict({ lane, horizon, records, versions, parameters }) {
  const calls = records.find((record) => String(record.horizon) === horizon);
  const plans = records.find((record) => record.horizon === "plan");
  return html`<article class="panel verdict lane-${lane}"><h3>${LANES[lane]}</h3>
    ${calls && horizon !== "plan" ? html`<${Judged} record=${calls}><${Calls} record=${calls} /><//>` : null}
    ${plans ? html`<${Judged} record=${plans}><${Plans} record=${plans} /><//>` : null}
    ${calls || plans ? null : html`<p class="aside">No call that was judged after ${HORIZONS[horizon]} is settled.</p>`}
    <${Present} lane=${lane} versions=${versions} parameters=${parameters} />
  </article>`;
}

function Judged({ record, children }) {
  return html`<div><p class="words"><${VerdictBadge} verdict=${record.verdict} /> <strong>${verdictWords(record)}</strong></p>${children}</div>`;
}

function Calls({ record: { count: calls, horizon, hit_rate: rate, low, high, base_rate: base, net_bps: net } }) {
  if (rate === null) return null;
  const range = `[${percent(low)}, ${percent(high)}]`;
  return html`<p class="figure">After ${HORIZONS[horizon]}: right in ${percent(rate)} of ${count(calls)} ${range} <${IntervalBar} value=${rate} low=${low} high=${high}
    mark=${base} label=${`Right in ${percent(rate)} of ${count(calls)} calls, ${range}; the better side always: ${percent(base)}`} />
    <small>to beat: ${percent(base)}; ${bps(net)} basis points a call after costs</small></p>`;
}

function Plans({ record: { count: plans, net_r: net, targets, stops, times } }) {
  if (net === null) return null;
  return html`<p class="figure">As plans: ${riskUnits(net)} R a plan after costs, of ${count(plans)}
    <small>${count(targets)} ended at the target, ${count(stops)} at the stop, ${count(times)} by time</small></p>`;
}

function Present({ lane, versions, parameters }) {
  const present = usePresentVersion(lane, versions);
  if (!present) return null;
  const others = versions.length - 1;
  const all = link("record", null, { ...parameters, lane, section: "versions" });
  return html`<p class="aside present">Present version since <${Moment} at=${present.since} />, ${others
    ? html`<a href=${all} aria-label=${`${count(others)} other versions of ${LANES[lane]}`}>${count(others)} other${others === 1 ? "" : "s"}</a>` : "the first"}</p>`;
}
