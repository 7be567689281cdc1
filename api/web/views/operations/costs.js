/** What the LLM costs, beside its budgets, and the state of its keys. */
import { html } from "../../core/html.js";
import { count, dollars } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Badge } from "../../parts/badges.js";
import { Meter } from "../../parts/meter.js";
import { Resource } from "../../parts/view_state.js";
import { Keys } from "./keys.js";

const EVERY_MS = 30_000;

export function Costs() {
  const costs = useResource("ai/cost/statistics", { everyMs: EVERY_MS });
  return html`<${Resource} resource=${costs}>${(data) => html`<div class="panels">
    <div class="panel"><h2>Budgets</h2><${Budgets} costs=${data} /></div>
    <div class="panel"><h2>Calls</h2><${Calls} costs=${data} /></div>
    <div class="panel broad"><h2>Keys</h2><${Keys} keys=${data.keys} /></div>
  </div>`}<//>`;
}

function Budgets({ costs: { today, this_month: month, configuration: { budgets }, optimization_status: state } }) {
  return html`
    <${Budget} title="Today" spent=${today.total_cost_usd} warning=${budgets.daily_warning_usd} stop=${budgets.daily_stop_usd} />
    <${Budget} title="This month" spent=${month.total_cost_usd} warning=${budgets.monthly_warning_usd} stop=${budgets.monthly_stop_usd} />
    ${state.budget_stop_reached ? html`<p class="notice bad">The budget is used up: the rules answer until it is renewed.</p>` : null}`;
}

function Budget({ title, spent, warning, stop }) {
  // Both are optional: null stands for no warning, and for no stop.
  const [warned, stopped] = [warning !== null && spent >= warning, stop !== null && spent >= stop];
  const text = `${dollars(spent)} ${stop === null ? "and no stop" : `of ${dollars(stop)}`}, ${warning === null ? "no warning" : `warned of from ${dollars(warning)} on`}`;
  const whole = stop ?? warning;
  return html`<p>${title}: <span class="figure">${text}</span>
    ${stopped ? html` <${Badge} tone="bad">used up<//>` : warned ? html` <${Badge} tone="warn">above the warning<//>` : null}
    ${whole ? html`<${Meter} value=${spent / whole} mark=${warning === null ? null : Math.min(warning / whole, 1)}
      label=${`${title}: ${text}`} tone=${stopped ? "bad" : warned ? "warn" : "good"} />` : null}</p>`;
}

function Calls({ costs: { session_statistics: all, today, projections, configuration } }) {
  return html`<dl class="facts">
    <dt>Model</dt><dd>${configuration.model}</dd>
    <dt>Calls today</dt><dd>${count(today.total_requests)}</dd>
    <dt>Calls recorded</dt><dd>${count(all.total_requests)}</dd>
    <dt>Tokens recorded</dt><dd>${count(all.total_tokens)}</dd>
    <dt>Cost recorded</dt><dd>${dollars(all.total_cost_usd)}</dd>
    <dt>Expected this month</dt><dd>${dollars(projections.estimated_monthly_cost_usd)}</dd>
    <dt>Prices of</dt><dd>${configuration.prices_as_of}</dd>
  </dl>`;
}
