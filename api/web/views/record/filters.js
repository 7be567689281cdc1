/** What the record is about: all choices stand in the address, and each of them begins the list of entries anew. */
import { html } from "../../core/html.js";
import { adjust } from "../../core/address.js";
import { useResource } from "../../core/resource.js";
import { withQuery } from "../../core/api.js";
import { GROUPS, HORIZONS, LANES, PERIODS, TIMEFRAMES } from "./words.js";

/** Days of the record where the address names none. */
export const DEFAULT_DAYS = "30";

/**
 * @param {{parameters: Record<string, string>, names: string[]}} props Of the address; `names` are those of its parameters
 *   that can be chosen here.
 */
export function Filters({ parameters, names }) {
  const { days = DEFAULT_DAYS, lane = "", symbol = "", timeframe = "", horizon = "", group = "lane" } = parameters;
  const groups = Object.entries(GROUPS).filter(([name]) => !(symbol && name === "confidence"));
  const choices = {
    days: html`<${Choice} label="Period" name="days" value=${days} options=${Object.entries(PERIODS)} />`,
    lane: html`<${Choice} label="Lane" name="lane" value=${lane} options=${Object.entries(LANES)} all />`,
    symbol: html`<${SymbolChoice} days=${days} value=${symbol} group=${group} />`,
    timeframe: html`<${Choice} label="Timeframe" name="timeframe" value=${timeframe} options=${TIMEFRAMES.map((name) => [name, name])} all />`,
    horizon: html`<${Choice} label="Judged after" name="horizon" value=${horizon} options=${Object.entries(HORIZONS)} all />`,
    group: html`<${Choice} label="Told apart by" name="group" value=${group} options=${groups} />`,
  };
  return html`<form class="bar" aria-label="Which calls" onSubmit=${(event) => event.preventDefault()}>${names.map((name) => choices[name])}</form>`;
}

function SymbolChoice({ days, value, group }) {
  const { data } = useResource(withQuery("ai/track-record", { days, group: "symbol", horizon: 1 }));
  const symbols = [...new Set(data?.records.map((record) => record.symbol))].sort();
  return html`<label>Symbol <input type="search" list="record-symbols" value=${value} placeholder="all" spellcheck="false"
      onChange=${(event) => choose("symbol", event.target.value.trim(), group === "confidence" ? { group: null } : {})} /></label>
    <datalist id="record-symbols">${symbols.map((name) => html`<option key=${name} value=${name} />`)}</datalist>`;
}

/** A choice among values of one parameter; `all` offers to leave it out. */
export function Choice({ label, name, value, options, all = false }) {
  return html`<label>${label} <select value=${value} onChange=${(event) => choose(name, event.target.value)}>
    ${all ? html`<option value="">All</option>` : null}
    ${options.map(([key, title]) => html`<option key=${key} value=${key}>${title}</option>`)}
  </select></label>`;
}

function choose(name, value, others = {}) {
  adjust({ [name]: value, cursor: null, ...others });
}
