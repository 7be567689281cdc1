/** Earlier signals of a market, and how they ended. */
import { html, useState } from "../../core/html.js";
import { count, price, riskUnits, share, change } from "../../core/numbers.js";
import { Badge, DataBadge, SourceBadge } from "../../parts/badges.js";
import { Moment } from "../../parts/moments.js";
import { SignalMark } from "../../parts/signal_mark.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { outcome, worth } from "./chart_data.js";

const ROWS = 12;
const TONES = { won: ["good", "✓ right"], lost: ["bad", "✗ wrong"], open: ["plain", "open"] };
const COLUMNS = [
  { title: "Time", value: ({ created_at: at }) => html`<${Moment} at=${at} />` },
  { title: "Signal", value: ({ signal }) => html`<${SignalMark} side=${signal} />` },
  { title: "Confidence", number: true, value: ({ confidence }) => share(confidence) },
  { title: "Price", number: true, value: ({ price: at }) => price(at) },
  { title: "Timeframe", value: ({ timeframe }) => timeframe },
  { title: "By", value: ({ source, lane, source_data: data }) => html`<${SourceBadge} source=${source ?? lane} /> <${DataBadge} sourceData=${data} />` },
  { title: "Outcome", value: (row) => html`<${Outcome} row=${row} />` },
];

/** @param {{resource: object}} props Of `ai/analyses`. */
export function PastSignals({ resource }) {
  return html`<${Resource} resource=${resource} isEmpty=${({ analyses }) => analyses.length === 0}
    empty=${html`<${Empty} title="Nothing yet">Analyses of this market appear here; those of synthetic candles are not kept.<//>`}>
    ${({ analyses }) => html`<${Newest} analyses=${analyses} />`}
  <//>`;
}

function Newest({ analyses }) {
  const [all, setAll] = useState(false);
  return html`<${Table} caption="Past analyses, newest first" columns=${COLUMNS} rows=${all ? analyses : analyses.slice(0, ROWS)} rowKey=${({ analysis_id: id }) => id} />
    ${all || analyses.length <= ROWS ? null : html`<p><button onClick=${() => setAll(true)}>Show all ${count(analyses.length)}</button></p>`}`;
}

function Outcome({ row }) {
  if (row.signal === "Neutral") return "–";
  const [tone, text] = TONES[outcome(row)];
  const result = worth(row);
  const figure = row.r !== null ? `${riskUnits(row.r)} R` : result === null ? "" : change(result);
  return html`<${Badge} tone=${tone}>${text}<//> <span class="figure">${figure}</span> ${row.outcome ?? ""}`;
}
