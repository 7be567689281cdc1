/** Why and why not: each guard that a Long or Short has to pass, with what it measured and what it needs. */
import { html } from "../../core/html.js";
import { number, percent } from "../../core/numbers.js";
import { Badge } from "../../parts/badges.js";
import { Table } from "../../parts/table.js";

const COLUMNS = [
  { title: "Guard", value: ({ name }) => name.replaceAll("_", " ") },
  { title: "State", value: ({ passed }) => (passed ? html`<${Badge} tone="good">✓ passed<//>` : html`<${Badge} tone="bad">✗ refused<//>`) },
  { title: "Measured", number: true, value: ({ name, value }) => measure(name, value) },
  { title: "Needed", number: true, value: ({ name, needed }) => measure(name, needed, BOUNDS[name]) },
];
const BOUNDS = { fresh_data: "≤", enough_data: "≥", complete_data: "≤", unbroken_data: "≥", confidence: "≥", cooldown: "≥", exposure: "≤" };
const candles = (value) => `${number(value)} candle${value === 1 ? "" : "s"}`;
// How each measure is written, with its unit.
const UNITS = {
  fresh_data: (value) => `${number(value, 2)} candle lengths old`, enough_data: candles, complete_data: (value) => `${percent(value)} missing`,
  unbroken_data: candles, confidence: (value) => number(value), cooldown: candles, exposure: (value) => `${percent(value)} of the capital`,
};

/** @param {{signal: object}} props */
export function Gates({ signal: { gates, abstention, side } }) {
  const refused = gates.filter(({ passed }) => !passed).map(({ name }) => name.replaceAll("_", " "));
  const summary = refused.length ? `Refused by ${refused.join(", ")}.` : side === "Neutral" ? `Neutral: ${abstention ?? "no side"}.` : "Every guard let it pass.";
  return html`<section class="panel"><h2>Why and why not</h2>
    <p>${summary}</p>
    ${gates.length ? html`<${Table} caption="Guards of this signal" columns=${COLUMNS} rows=${gates} rowKey=${({ name }) => name} />` : null}
  </section>`;
}

function measure(name, value, bound) {
  if (value === null || value === undefined) return "–";
  return `${bound ? `${bound} ` : ""}${(UNITS[name] ?? number)(value)}`;
}
