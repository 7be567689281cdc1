/** Versions of models: which serves, what they are worth, whether the market has moved away from them. */
import { html, useState } from "../../core/html.js";
import { count, number, percent, score } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Badge } from "../../parts/badges.js";
import { Meter } from "../../parts/meter.js";
import { Age } from "../../parts/moments.js";
import { Table } from "../../parts/table.js";
import { Empty, Resource } from "../../parts/view_state.js";
import { Action } from "./action.js";
import { marketName, Version } from "./version.js";

// What the gate let serve, as a verdict on the version.
const VERDICTS = {
  candidate: "passed: it may serve",
  logistic: "refused: logistic regression serves",
  production: "refused: the one in production stays",
  nothing: "refused: nothing serves",
};

export function Models() {
  const models = useResource("ai/models", { everyMs: 60_000 });
  const drift = useResource("ai/models/drift", { everyMs: 60_000 });
  const [open, setOpen] = useState(null);
  return html`<div class="panels">
    <div class="panel broad"><h2>Versions</h2>
      <${Resource} resource=${models} isEmpty=${(answer) => everyVersion(answer).length === 0 && everyProblem(answer).length === 0}
        empty=${html`<${Empty} title="No model yet"><p>Train one under <a href="#/operations?section=jobs">Jobs</a>: it serves once it has passed the gate.</p><//>`}>
        ${(answer) => html`${everyProblem(answer).map(([name, why]) => html`<p key=${`${name} ${why}`} class="notice bad">${name} cannot be used: ${why}</p>`)}
        <${Table} caption="Versions of models, newest first" columns=${columns(models.reload, open, setOpen)} rows=${everyVersion(answer)} rowKey=${keyOf} />
        <p class="aside">Trials are the settings that were judged on some of the candles of a version's figures: the best of many looks better than it
          is. A version opens with its card.</p>`}
      <//>
    </div>
    ${open ? html`<${Version} key=${keyOf(open)} version=${open.version} asked=${asked(open)} />` : null}
    <div class="panel broad"><h2>Drift</h2>
      <${Resource} resource=${drift} isEmpty=${({ models: rows }) => rows.length === 0} empty=${html`<p class="aside">No model is in production.</p>`}>
        ${({ models: rows }) => html`<${Table} caption="Models in production beside their training" columns=${DRIFT} rows=${rows} rowKey=${keyOfDrift} />`}
      <//>
    </div>
  </div>`;
}

/** Versions of the usual horizon, of further ones and of plans; `ahead` is the further horizon, which an order names. */
function everyVersion({ models, further }) {
  const others = further.flatMap((group) => group.models.map((model) => ({ ...model, ahead: group.horizon_candles })));
  return [...models, ...others].sort((one, other) => other.created_at.localeCompare(one.created_at));
}

const everyProblem = ({ unusable, further }) => [unusable, ...further.map((group) => group.unusable)].flatMap(Object.entries);
const marketOf = ({ symbol, timeframe }) => marketName(`${symbol} ${timeframe}`);
const keyOf = ({ version, ahead }) => (ahead ? `${version} ${ahead}` : version);
const asked = ({ ahead }) => (ahead ? `?horizon_candles=${ahead}` : "");
const forecast = ({ target, horizon_candles: ahead }) => (target === "plan" ? "plans" : ahead === 1 ? "next close" : `close, ${ahead} ahead`);

const columns = (reload, open, setOpen) => [
  { title: "Version", value: (model) => html`<${Opener} model=${model} open=${open && keyOf(open) === keyOf(model)} setOpen=${setOpen} />` },
  { title: "Market", value: marketOf },
  { title: "Forecasts", value: forecast },
  { title: "Serves", value: ({ alias, shadow }) => html`${alias ? html`<${Badge} tone=${alias === "production" ? "good" : "plain"}>${alias}<//>` : "no"}
    ${shadow ? html`<${Shadow} shadow=${shadow} />` : null}` },
  { title: "Verdict", value: ({ verdict, reasons }) => html`<span title=${reasons.join("\n")}>${VERDICTS[verdict] ?? "not judged"}</span>` },
  { title: "Right", number: true, value: ({ metrics }) => measured(metrics, "accuracy", percent) },
  { title: "Brier", number: true, value: ({ metrics }) => measured(metrics, "brier", score) },
  { title: "Trials", number: true, value: ({ trials }) => (trials === null ? "–" : count(trials)) },
  { title: "Made", value: ({ created_at: at }) => html`<${Age} at=${at} />` },
  { title: "Action", value: (model) => html`<${Actions} model=${model} reload=${reload} />` },
];

function Opener({ model, open, setOpen }) {
  return html`<button class="quiet" aria-expanded=${open} onClick=${() => setOpen(open ? null : model)}>${model.version}</button>`;
}

/** How far a candidate is beside the model in production, or how that ended. */
function Shadow({ shadow: { state, production, settled, needed, reason, brier_gain: gain, low, high } }) {
  if (state !== "shadowing") return html` <span class="aside">${state} beside ${production}: ${reason}</span>`;
  const text = `shadows ${production}: ${count(settled ?? 0)} of ${count(needed)} settled`;
  const found = gain === null ? "" : `, Brier ${number(gain)} better${low === null ? "" : ` [${number(low)}, ${number(high)}]`}`;
  return html` <span class="aside">${text}${found}</span><${Meter} value=${(settled ?? 0) / needed} label=${text} />`;
}

function measured(metrics, name, write) {
  if (!metrics) return "–";
  const { low, high } = metrics.intervals?.[name] ?? {};
  return html`${write(metrics[name])} ${low === undefined ? null : html`<small class="under">[${write(low)}, ${write(high)}]</small>`}<small class="under">of ${count(metrics.count)}</small>`;
}

function Actions({ model, reload }) {
  const { version, alias, symbol, timeframe, target, ahead } = model;
  const what = `${marketOf(model)}${target === "plan" ? ", plans" : ahead ? `, ${ahead} candles ahead` : ""}`;
  const whose = { symbol, timeframe, ...(target === "plan" ? { target } : {}), ...(ahead ? { horizon_candles: ahead } : {}) };
  if (alias === "production") {
    return html`<${Action} title="Roll back" of=${version} path="ai/models/rollback" reason body=${(reason) => ({ ...whose, reason })}
      confirm=${`Let the version before serve ${what} again?`} done=${reload} />`;
  }
  return html`<${Action} title="Promote" of=${version} path=${`ai/models/${version}/promote${asked(model)}`} reason body=${(reason) => ({ reason })}
    confirm=${`Let ${version} serve ${what}, whatever the gate found?`} done=${reload} />`;
}

const driftMarket = ({ symbol, timeframe, target, horizon_candles: ahead }) =>
  `${target === "plan" ? "plans of " : ""}${marketOf({ symbol, timeframe })}${ahead === null ? "" : `, ${ahead} candles ahead`}`;
const keyOfDrift = (row) => `${driftMarket(row)} ${row.version}`;

const DRIFT = [
  { title: "Market", value: driftMarket },
  { title: "State", value: ({ status }) => html`<${Badge} tone=${{ none: "good", notice: "warn", alarm: "bad" }[status] ?? "plain"}>${status === "none" ? "no drift" : status.replaceAll("_", " ")}<//>` },
  { title: "Features that moved", number: true, value: ({ drifted, features }) => (features ? `${count(drifted)} of ${count(features)}` : "–") },
  { title: "Why", wide: true, value: ({ reason }) => reason },
  { title: "Advice", wide: true, value: ({ advice, retrain_command: command }) => html`${advice}<br /><code>${command}</code>` },
];
