/** A backtest of what is tried: asked for, watched, and shown. */
import { html, useEffect, useState } from "../../core/html.js";
import { ask } from "../../core/api.js";
import { announce } from "../../core/announce.js";
import { percent } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { useTopic } from "../../core/store.js";
import { Meter } from "../../parts/meter.js";
import { Refusal, Resource } from "../../parts/view_state.js";
import { BacktestResult } from "./backtest_result.js";
import { backtestBody } from "./bodies.js";
import { TokenForm } from "../../parts/token_form.js";

const WATCH_MS = 1_500;
const RUNNING = ["queued", "running"];
const TIMEFRAMES = ["15m", "1h", "4h", "1d"];

/**
 * @param {{subject: import("./try.js").Subject, wish: {lane: string, marketTimeframe: string}, onWish: (wish: object) => void}} props
 */
export function Backtest({ subject, wish, onWish }) {
  const token = useTopic("admin");
  const strategies = useResource("ai/strategies");
  const [{ jobId, problem, sending }, setState] = useState({});
  const start = (event) => {
    event.preventDefault();
    setState({ sending: true });
    ask("jobs/backtest", { method: "POST", body: backtestBody(subject, wish) }).then(
      (queued) => setState({ jobId: queued.job_id }),
      (refused) => setState({ problem: refused }),
    );
  };
  const set = (name) => ({ target }) => onWish({ ...wish, [name]: target.value });
  return html`<h2 class="part">Backtest</h2>
    <section class="panel" aria-label="Backtest">
      <p class="aside">Every signal of the past is traded with fees and slippage. A lane that was chosen after looking at
        this past says nothing of the future.</p>
      ${token ? null : html`<${TokenForm} />`}
      <form class="bar" onSubmit=${start}>
        <label>Who judges <select value=${wish.lane} onChange=${set("lane")}>
          <option value="rules">Rules</option>
          ${(strategies.data?.strategies ?? []).map((one) => html`<option key=${one} value=${`strategy:${one}`}>${one}</option>`)}
        </select></label>
        ${subject.timeframe ? null : html`<label>Timeframe <select value=${wish.marketTimeframe} onChange=${set("marketTimeframe")}>
          ${TIMEFRAMES.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>`}
        <button class="primary" disabled=${sending}>Start the backtest</button>
      </form>
      ${problem ? html`<${Refusal} problem=${problem} />` : null}
      ${jobId ? html`<${Watched} key=${jobId} jobId=${jobId} />` : null}
    </section>`;
}

function Watched({ jobId }) {
  const [ended, setEnded] = useState(false);
  const job = useResource(`jobs/${jobId}`, { everyMs: ended ? 0 : WATCH_MS });
  const status = job.data?.status;
  useEffect(() => {
    if (!status || RUNNING.includes(status)) return;
    setEnded(true);
    announce(`The backtest has ${status}`);
  }, [status]);
  return html`<${Resource} resource=${job} lines=${2}>${(data) => html`<${State} job=${data} />`}<//>`;
}

function State({ job }) {
  if (job.result) return html`<${BacktestResult} result=${job.result} />`;
  if (!RUNNING.includes(job.status)) {
    return html`<div class="empty refusal" role="alert"><h3>The backtest has ${job.status}</h3><p>${job.error}</p></div>`;
  }
  const share = job.progress?.share ?? 0;
  const cancel = () => ask(`jobs/${job.job_id}`, { method: "DELETE" }).catch((problem) => announce(problem.message));
  return html`<div class="progress" role="group" aria-label="How far the backtest is">
    <p>${job.progress?.stage ?? "waits for its turn"}, ${percent(share, 0)}</p>
    <${Meter} value=${share} label=${`${percent(share, 0)} done`} />
    <button onClick=${cancel}>Cancel</button>
  </div>`;
}
