/** Why and why not: each guard that a Long or Short has to pass, with what it measured and what it needs. */
import { html } from "../../core/html.js";
import { number } from "../../core/numbers.js";
import { Badge } from "../../parts/badges.js";
import { Table } from "../../parts/table.js";

const COLUMNS = [
  { title: "Guard", value: ({ name }) => name.replaceAll("_", " ") },
  { title: "", value: ({ passed }) => (passed ? html`<${Badge} tone="good">✓ passed<//>` : html`<${Badge} tone="bad">✗ refused<//>`) },
  { title: "Measured", number: true, value: ({ value }) => text(value) },
  { title: "Needed", number: true, value: ({ needed }) => text(needed) },
];

/** @param {{signal: object}} props */
export function Gates({ signal: { gates, abstention, side } }) {
  const refused = gates.filter(({ passed }) => !passed).map(({ name }) => name.replaceAll("_", " "));
  const summary = refused.length ? `Refused by ${refused.join(", ")}.` : side === "Neutral" ? `Neutral: ${abstention ?? "no side"}.` : "Every guard let it pass.";
  return html`<section class="panel"><h2>Why and why not</h2>
    <p>${summary}</p>
    ${gates.length ? html`<${Table} caption="Guards of this signal" columns=${COLUMNS} rows=${gates} rowKey=${({ name }) => name} />` : null}
  </section>`;
}

function text(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? number(value) : String(value);
}
