/** The candles of the chart as a table, for those who listen and those who copy. */
import { html, useState } from "../../core/html.js";
import { compact, price } from "../../core/numbers.js";
import { Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";

const ROWS = 60;
const figure = (title, value) => ({ title, number: true, value });
const COLUMNS = [
  { title: "Opened", value: ({ timestamp }) => html`<${Moment} at=${timestamp} />` },
  figure("Open", ({ open }) => price(open)), figure("High", ({ high }) => price(high)), figure("Low", ({ low }) => price(low)),
  figure("Close", ({ close }) => price(close)), figure("Volume", ({ volume }) => compact(volume)),
];

/** @param {{symbol: string, candles: object[]}} props The newest of them are shown once it is opened. */
export function CandleTable({ symbol, candles }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(event) => setOpen(event.target.open)}>
    <summary>Candles as a table</summary>
    ${open ? html`<${Table} caption=${`The newest ${ROWS} candles of ${symbol}`} columns=${COLUMNS} rows=${candles.slice(-ROWS).reverse()} rowKey=${({ timestamp }) => timestamp} />` : null}
  </details>`;
}
