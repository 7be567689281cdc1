/** The strategies: what each says now, and how often it was right where it was measured. */
import { html } from "../../core/html.js";
import { percent, riskUnits, share } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Meter } from "../../parts/meter.js";
import { Table } from "../../parts/table.js";

/** @param {{signal: object}} props */
export function Strategies({ signal: { strategyScores } }) {
  const records = useResource("ai/strategies/records");
  const byName = new Map(records.data?.strategies.map((record) => [record.name, record]));
  const rows = Object.entries(strategyScores).map(([name, score]) => ({ name, score, record: byName.get(name) }));
  if (!rows.length) return null;
  return html`<section class="panel broad"><h2>Strategies</h2>
    <${Table} caption="Strategies with their score and record" columns=${COLUMNS} rows=${rows} rowKey=${({ name }) => name} />
    ${records.data ? html`<p class="aside">Records: ${records.data.built_from}, when the strategy leaned. Intervals of 95 %.</p>` : null}
  </section>`;
}

const range = (measure, write) => (measure ? html`${write(measure.mean)} <small>[${write(measure.low)}, ${write(measure.high)}] of ${measure.cases.toLocaleString()}</small>` : "–");

const COLUMNS = [
  { title: "Strategy", value: ({ name }) => name },
  { title: "Says", value: ({ score }) => html`${score > 0.5 ? "Long" : score < 0.5 ? "Short" : "nothing"} <${Meter} value=${score} mark=${0.5} label=${`${share(score)}: 0 is Short, 1 is Long`} />` },
  { title: "Right after 1 candle", number: true, value: ({ record }) => range(record?.right["1"], percent) },
  { title: "After 24", number: true, value: ({ record }) => range(record?.right["24"], percent) },
  { title: "As a plan, R", number: true, value: ({ record }) => range(record?.expected_r, riskUnits) },
];
