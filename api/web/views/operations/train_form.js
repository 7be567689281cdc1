/** Starts a training. */
import { html, useState } from "../../core/html.js";
import { announce } from "../../core/announce.js";
import { ask } from "../../core/api.js";

const TYPES = ["logistic", "lightgbm", "xgboost", "random_forest", "lstm", "gru", "transformer", "patchtst", "ensemble"];
const TIMEFRAMES = ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "8h", "12h", "1d", "1w"];

/** @param {{done: () => void}} props */
export function TrainForm({ done }) {
  const [order, setOrder] = useState({ symbol: "BTCUSDT", timeframe: "1h", model_type: "logistic" });
  const [problem, setProblem] = useState(null);
  const change = (name) => (event) => setOrder({ ...order, [name]: event.target.value });
  const start = async (event) => {
    event.preventDefault();
    setProblem(null);
    try {
      announce((await ask("ai/train", { method: "POST", body: order })).message);
      done();
    } catch (refusal) {
      setProblem(refusal);
    }
  };
  return html`<form class="bar" onSubmit=${start}>
    <label>Symbol <input required value=${order.symbol} spellcheck="false" onInput=${change("symbol")} /></label>
    <label>Timeframe <select value=${order.timeframe} onChange=${change("timeframe")}>${TIMEFRAMES.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
    <label>Type <select value=${order.model_type} onChange=${change("model_type")}>${TYPES.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
    <button class="primary">Train</button>
    ${problem ? html`<p role="alert" class="notice bad">${problem.message}</p>` : null}
  </form>`;
}
