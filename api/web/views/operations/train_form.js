/** Starts a training. */
import { html, useState } from "../../core/html.js";
import { announce } from "../../core/announce.js";
import { ask } from "../../core/api.js";
import { useResource } from "../../core/resource.js";

const TYPES = ["logistic", "lightgbm", "xgboost", "random_forest", "lstm", "gru", "transformer", "patchtst", "ensemble"];
// Those that can learn from plans.
const PLAN_TYPES = ["logistic", "lightgbm"];
const TIMEFRAMES = ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "8h", "12h", "1d", "1w"];
// What is forecast, as the value of its option; any other value is a further horizon in candles.
const USUAL = "usual";
const PLAN = "plan";

/** @param {{done: () => void}} props */
export function TrainForm({ done }) {
  const [order, setOrder] = useState({ symbol: "BTCUSDT", timeframe: "1h", model_type: "logistic" });
  const [forecast, setForecast] = useState(USUAL);
  const [problem, setProblem] = useState(null);
  const config = useResource("config");
  const [usual = 1, ...further] = config.data?.model_config.horizons_candles ?? [];
  const types = forecast === PLAN ? PLAN_TYPES : TYPES;
  const change = (name) => (event) => setOrder({ ...order, [name]: event.target.value });
  const choose = ({ target: { value } }) => {
    setForecast(value);
    if (value === PLAN && !PLAN_TYPES.includes(order.model_type)) setOrder({ ...order, model_type: PLAN_TYPES[0] });
  };
  const start = async (event) => {
    event.preventDefault();
    setProblem(null);
    try {
      announce((await ask("ai/train", { method: "POST", body: { ...order, ...wanted(forecast) } })).message);
      done();
    } catch (refusal) {
      setProblem(refusal);
    }
  };
  return html`<form class="bar" onSubmit=${start}>
    <label>Symbol <input required value=${order.symbol} spellcheck="false" onInput=${change("symbol")} /></label>
    <label>Timeframe <${Choice} value=${order.timeframe} onChange=${change("timeframe")} options=${TIMEFRAMES.map((each) => [each, each])} /></label>
    <label>Forecasts <${Choice} value=${forecast} onChange=${choose} describedBy="forecast" options=${[
      [USUAL, close(usual)], ...further.map((ahead) => [String(ahead), close(ahead)]), [PLAN, "whether a plan's target comes before its stop"]]} /></label>
    <label>Type <${Choice} value=${order.model_type} onChange=${change("model_type")} options=${types.map((each) => [each, each.replace("_", " ")])} /></label>
    <button class="primary">Train</button>
    ${problem ? html`<p role="alert" class="notice bad">${problem.message}</p>` : null}
    <p id="forecast" class="aside">${meaning(forecast)}</p>
  </form>`;
}

function Choice({ value, options, onChange, describedBy }) {
  return html`<select value=${value} onChange=${onChange} aria-describedby=${describedBy}>
    ${options.map(([key, title]) => html`<option key=${key} value=${key}>${title}</option>`)}
  </select>`;
}

const close = (ahead) => (ahead === 1 ? "the next close" : `the close ${ahead} candles ahead`);

/** Return the fields of the order that say what is forecast. */
function wanted(forecast) {
  if (forecast === USUAL) return {};
  return forecast === PLAN ? { target: PLAN } : { horizon_candles: Number(forecast) };
}

/** Return in words what a model is for that forecasts this. */
function meaning(forecast) {
  if (forecast === USUAL) return "Whether the price rises or falls: the forecast of every analysis.";
  return forecast === PLAN
    ? "It learns from plans that the rules would have made on past candles, and weighs the plans of analyses."
    : "It serves the path of prices and the returns of signals; its versions stand apart from those of the usual horizon.";
}
