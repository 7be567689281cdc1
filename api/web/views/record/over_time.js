/** What the calls came to over time, before and after costs, in basis points and in units of the risk. */
import { html, useMemo, useState } from "../../core/html.js";
import { withQuery } from "../../core/api.js";
import { bps, count, riskUnits } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { cumulated } from "./cumulated.js";
import { LineChart } from "./line_chart.js";
import { HORIZONS } from "./words.js";

const UNITS = {
  bps: { title: "basis points", write: bps, what: "calls", ofPlans: false },
  r: { title: "R, units of the risk", write: riskUnits, what: "plans", ofPlans: true },
};

/**
 * @param {{unit: "bps" | "r", timeframe: string, horizon: string, filters: {days: string, lane?: string, symbol?: string}}}
 *   props R is that of plans, whatever the horizon.
 */
export function OverTime({ unit, timeframe, horizon, filters }) {
  const { title, write, what, ofPlans } = UNITS[unit];
  const judged = ofPlans ? "plan" : horizon;
  const resource = useResource(withQuery("ai/track-record", { ...filters, group: "day", timeframe, horizon: judged }));
  const sums = useMemo(() => cumulated(resource.data?.records ?? [], unit), [resource.data, unit]);
  return html`<section class="panel"><h2>Sum of results, ${title}</h2>
    <p class="aside">${timeframe} ${what}, judged after ${HORIZONS[judged]}, added up by day; the dashed line is before costs.</p>
    <${Resource} resource=${resource} lines=${8} isEmpty=${() => sums.days.length === 0}
      empty=${html`<${Empty} title=${`No ${what} are settled yet`}>A result is added once its candles have closed.<//>`}>
      ${() => html`<${LineChart} days=${sums.days} lines=${sums.lines} write=${write} label=${`Sum of results in ${title}`} />
        <${DayTable} sums=${sums} write=${write} what=${what} title=${title} />`}
    <//>
  </section>`;
}

function DayTable({ sums: { days, lines }, write, what, title }) {
  const [open, setOpen] = useState(false);
  const columns = [
    { title: "Day (UTC)", value: ({ day }) => day },
    ...lines.flatMap((line) => [
      { title: `${line.title}: ${what}`, number: true, value: ({ at }) => count(line.calls[at]) },
      { title: `${line.title}: before costs`, number: true, value: ({ at }) => write(line.before[at]) },
      { title: `${line.title}: after costs`, number: true, value: ({ at }) => write(line.after[at]) },
    ]),
  ];
  const rows = days.map((day, at) => ({ day, at })).reverse();
  return html`<details onToggle=${(event) => setOpen(event.target.open)}>
    <summary>The sums as a table</summary>
    ${open ? html`<${Table} caption=${`Sum of results in ${title} since the first day, newest day first`} columns=${columns} rows=${rows} rowKey=${({ day }) => day} />` : null}
  </details>`;
}
