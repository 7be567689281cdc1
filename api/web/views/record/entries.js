/** The newest entries of the ledger, page by page, each with its proof. */
import { html } from "../../core/html.js";
import { link } from "../../core/address.js";
import { withQuery } from "../../core/api.js";
import { change, number, percent, price, riskUnits, share } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { SIDES } from "../../core/signals.js";
import { Badge, DataBadge } from "../../parts/badges.js";
import { Moment } from "../../parts/moments.js";
import { SignalMark } from "../../parts/signal_mark.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { Choice } from "./filters.js";
import { HORIZONS, LANES } from "./words.js";

const LIMIT = 25;
const KINDS = ["side", "no edge", "no data", "refused"];
const ORIGINS = { api: "Requests", loop: "The loop", stream: "Signals on request", predict: "Forecasts", trend: "Trends" };
const TRUTH = [["true", "Yes"], ["false", "No"]];
const APART = {
  stranger: "A caller who is not trusted chose the question", synthetic: "The candles are made up",
  stale: "The newest candle was too old", contradicted: "The candles differed from those posted before",
};

/** @param {{parameters: Record<string, string>}} props Of the address. */
export function Entries({ parameters }) {
  const { lane, symbol, timeframe, side = "", kind = "", origin = "", given = "", scored = "", cursor } = parameters;
  const path = withQuery("ai/ledger", { lane, symbol, timeframe, side, kind, origin, given, scored, cursor, limit: LIMIT });
  const resource = useResource(path, { everyMs: cursor ? 0 : 60_000 });
  const empty = resource.data?.next
    ? html`<${Empty} title="None among the newest that were looked through">Older ones may fit the filters.<//>`
    : html`<${Empty} title="No entry">Each answer of each lane is an entry, as soon as somebody is given it.<//>`;
  return html`<form class="bar" aria-label="Which entries" onSubmit=${(event) => event.preventDefault()}>
      <${Choice} label="Signal" name="side" value=${side} options=${SIDES.map((name) => [name, name])} all />
      <${Choice} label="Kind" name="kind" value=${kind} options=${KINDS.map((name) => [name, name])} all />
      <${Choice} label="Asked by" name="origin" value=${origin} options=${Object.entries(ORIGINS)} all />
      <${Choice} label="Given to the caller" name="given" value=${given} options=${TRUTH} all />
      <${Choice} label="Counts" name="scored" value=${scored} options=${TRUTH} all />
    </form>
    <${Resource} resource=${resource} lines=${8} isEmpty=${({ entries }) => entries.length === 0} empty=${empty}>
      ${({ entries }) => html`<${Table} caption="Entries of the ledger, newest first" columns=${COLUMNS} rows=${entries} rowKey=${({ id }) => id} />`}
    <//>
    <nav class="bar" aria-label="Pages of entries">
      ${cursor ? html`<a href=${link("record", null, { ...parameters, cursor: null })}>Newest</a>` : null}
      ${resource.data?.next ? html`<a href=${link("record", null, { ...parameters, cursor: resource.data.next })}>Older</a>` : null}
    </nav>`;
}

const figure = (title, value) => ({ title, number: true, value });
const COLUMNS = [
  { title: "Said", value: ({ known_at: at }) => html`<${Moment} at=${at} />` },
  { title: "Lane", value: ({ lane }) => LANES[lane] },
  { title: "Market", value: ({ symbol, timeframe }) => html`<strong>${symbol}</strong> ${timeframe}` },
  { title: "Signal", value: ({ side, kind }) => html`<${SignalMark} side=${side} /> ${kind === "side" ? null : html`<small>${kind}</small>`}` },
  figure("Confidence, stated probability", (row) => html`${share(row.confidence)}${stated(row)}`),
  figure("Price, costs", (row) => html`${price(row.price)} <small>${number(row.cost_bps)} bps</small>`),
  { title: "What came of it", wide: true, value: (row) => html`<${Outcomes} settlements=${row.settlements} settled=${row.settled} scored=${row.scored} />` },
  { title: "Marks", value: (row) => html`<${Marks} row=${row} />` },
  { title: "Proof", value: ({ id }) => html`<a href=${link("record", id)} aria-label=${`Proof of ${id}`}>Proof</a>` },
];

function stated({ target_first: target, probability_up: up }) {
  const parts = [target === null ? null : `target first ${percent(target)}`, up === null ? null : `up ${percent(up)}`];
  return parts.filter(Boolean).map((part) => html`<small key=${part}>${part}</small>`);
}

/** Whether an entry counts, was given, and where its candles come from. */
export function Marks({ row }) {
  return html`<span class="badges"><${DataBadge} sourceData=${row.source_data} />
    ${row.apart ? html`<${Badge} tone="warn" title=${APART[row.apart]}>${row.apart}: not counted<//>` : null}
    ${row.given ? html`<${Badge} title="The caller got this answer">given<//>` : null}</span>`;
}

/** What came of an entry at each horizon; the market's move, and the plan's result in R. */
export function Outcomes({ settlements, settled, scored }) {
  const waiting = scored && !settled ? html`<${Badge}>open<//>` : null;
  if (!settlements.length) return scored ? waiting : "–";
  return html`<ul class="outcomes figure">${settlements.map((each) => html`<li key=${each.horizon}>${outcome(each)}</li>`)}</ul>${waiting}`;
}

function outcome({ horizon, move, r, end }) {
  if (move === null) return `${HORIZONS[horizon]}: candles are missing`;
  return horizon === "plan" ? `plan: ${end}, ${riskUnits(r)} R` : `${HORIZONS[horizon]}: ${change(move)}`;
}
