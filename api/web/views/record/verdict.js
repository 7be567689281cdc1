/** The verdict on each lane in words, and its results over time. */
import { html } from "../../core/html.js";
import { withQuery } from "../../core/api.js";
import { useResource } from "../../core/resource.js";
import { Resource } from "../../parts/view_state.js";
import { DEFAULT_DAYS } from "./filters.js";
import { LaneVerdict } from "./lane_verdict.js";
import { NoCalls } from "./no_calls.js";
import { OverTime } from "./over_time.js";
import { LANES } from "./words.js";

const EVERY_MS = 60_000;
// Every answer is settled after one candle, so this horizon has the most calls.
const FIRST_HORIZON = "1";

/** @param {{parameters: Record<string, string>}} props Of the address. */
export function Verdict({ parameters }) {
  const { days = DEFAULT_DAYS, lane, symbol, timeframe, horizon } = parameters;
  const records = useResource(withQuery("ai/track-record", { days, lane, symbol, timeframe }), { everyMs: EVERY_MS });
  const lanes = useResource(withQuery("ai/lanes", { days }), { everyMs: EVERY_MS });
  return html`<${Resource} resource=${records} lines=${8} isEmpty=${(data) => data.count === 0} empty=${html`<${NoCalls} days=${days} />`}>
    ${({ records: found }) => {
      const judged = { timeframe: timeframe || mostCalls(found), horizon: horizon || FIRST_HORIZON };
      const named = Object.keys(LANES).filter((name) => found.some((record) => record.lane === name));
      return html`<section aria-label="Verdicts by lane"><h2>What the calls came to, ${judged.timeframe} candles</h2>
          <div class="verdicts">${named.map((name) => html`<${LaneVerdict} key=${name} lane=${name} ...${judged}
            records=${found.filter((record) => record.lane === name && record.timeframe === judged.timeframe)}
            versions=${lanes.data?.lanes.find((each) => each.lane === name)?.versions ?? []} parameters=${parameters} />`)}</div></section>
        <div class="panels">${["bps", "r"].map((unit) => html`<${OverTime} key=${unit} unit=${unit} ...${judged} filters=${{ days, lane, symbol }} />`)}</div>`;
    }}<//>`;
}

function mostCalls(records) {
  return records.reduce((most, record) => (record.count > most.count ? record : most)).timeframe;
}
