/** The days of the ledger: closed by a root each, with the proof and the exports of the day that is chosen. */
import { html, useState } from "../../core/html.js";
import { link } from "../../core/address.js";
import { count } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Moment } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";

const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const LEVELS = 4;
const DAY_MS = 86_400_000;
const COLUMNS = [
  { title: "Day (UTC)", value: ({ day }) => day },
  { title: "Entries", number: true, value: ({ entries }) => count(entries) },
  { title: "Root", value: ({ root }) => html`<code>${root}</code>` },
  { title: "Chained", value: ({ chained }) => html`<code>${chained}</code>` },
  { title: "Closed", value: ({ closed_at: at }) => html`<${Moment} at=${at} />` },
  { title: "Export", value: ({ day }) => html`<${Exports} day=${day} />` },
];

/** @param {{parameters: Record<string, string>, days: string}} props Of the address; the newest `days` are shown. */
export function Calendar({ parameters, days }) {
  const resource = useResource(`ai/ledger/days?limit=${days}`, { everyMs: 5 * 60_000 });
  const [open, setOpen] = useState(false);
  return html`<${Resource} resource=${resource} isEmpty=${(data) => data.days.length === 0}
    empty=${html`<${Empty} title="No day is closed yet">A day is closed ten minutes after midnight UTC: a Merkle root is made over its
      entries, and chained to the day before.<//>`}>
    ${(data) => html`<${Months} days=${data.days} parameters=${parameters} />
      <${Chosen} day=${data.days.find(({ day }) => day === parameters.day) ?? data.days[0]} />
      <details onToggle=${(event) => setOpen(event.target.open)}><summary>The days as a table</summary>
        ${open ? html`<${Table} caption="Closed days, newest first" columns=${COLUMNS} rows=${data.days} rowKey=${({ day }) => day} />` : null}
      </details>`}
  <//>`;
}

function Months({ days, parameters }) {
  const byDay = new Map(days.map((day) => [day.day, day]));
  const most = Math.max(...days.map(({ entries }) => entries), 1);
  const months = [...new Set(days.map(({ day }) => day.slice(0, 7)))].sort();
  const chosen = parameters.day ?? days[0].day;
  return html`<div class="months">${months.map((month) => html`<table key=${month}>
    <caption>${monthTitle(month)}</caption>
    <thead><tr>${WEEKDAYS.map((name) => html`<th key=${name} scope="col">${name}</th>`)}</tr></thead>
    <tbody>${weeks(month).map((week, index) => html`<tr key=${index}>${week.map((day, place) => html`<td key=${place}>
      ${byDay.has(day) ? html`<${Day} day=${byDay.get(day)} most=${most} chosen=${day === chosen} to=${link("record", null, { ...parameters, day })} />`
        : day ? html`<span class="aside">${Number(day.slice(8))}</span>` : null}</td>`)}</tr>`)}</tbody>
  </table>`)}</div>`;
}

function Day({ day: { day, entries }, most, chosen, to }) {
  const text = `${Number(day.slice(8))} ${monthTitle(day.slice(0, 7))}: ${count(entries)} entries`;
  return html`<a class="day level-${Math.ceil((LEVELS * entries) / most)}" href=${to} title=${text} aria-label=${text}
    aria-current=${chosen ? "date" : undefined}>${Number(day.slice(8))}</a>`;
}

function Chosen({ day: { day, entries, root, chained, closed_at: at } }) {
  return html`<div class="proof" aria-live="polite"><h3>${day}, ${count(entries)} entries</h3>
    <dl>
      <dt>Root over its entries</dt><dd><code>${root}</code></dd>
      <dt>Chained to the day before</dt><dd><code>${chained}</code></dd>
      <dt>Closed</dt><dd><${Moment} at=${at} seconds /></dd>
      <dt>Export</dt><dd>${entries ? html`<${Exports} day=${day} />` : "nothing was said that day"}</dd>
    </dl>
    <p class="aside"><code>python cli.py ledger verify</code> computes the root of an exported day again.</p></div>`;
}

function Exports({ day }) {
  const file = (format, title) => html`<a href=${`ai/ledger/export?day=${day}&format=${format}`} download=${`ledger-${day}.${format}`}
    aria-label=${`${title} of ${day}`}>${title}</a>`;
  return html`${file("ndjson", "NDJSON")} ${file("parquet", "Parquet")}`;
}

const monthTitle = (month) => new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric", timeZone: "UTC" }).format(Date.parse(`${month}-01`));

// Weeks of a month from Monday on; null where a day belongs to another month.
function weeks(month) {
  const first = Date.parse(`${month}-01`);
  const begin = first - ((new Date(first).getUTCDay() + 6) % 7) * DAY_MS;
  const days = Array.from({ length: 42 }, (_, index) => new Date(begin + index * DAY_MS).toISOString().slice(0, 10));
  const own = days.map((day) => (day.startsWith(month) ? day : null));
  return [0, 1, 2, 3, 4, 5].map((week) => own.slice(7 * week, 7 * week + 7)).filter((week) => week.some(Boolean));
}
