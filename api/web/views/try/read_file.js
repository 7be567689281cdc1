/** What the service understood of a file, and what has to be said before it can be used. */
import { html, useEffect, useState } from "../../core/html.js";
import { ask, withQuery } from "../../core/api.js";
import { announce } from "../../core/announce.js";
import { count } from "../../core/numbers.js";
import { now } from "../../core/times.js";
import { Moment } from "../../parts/moments.js";
import { Refusal, Skeleton } from "../../parts/view_state.js";

// The most that the service answers: enough for a backtest of two years of hours.
const CANDLES = 20_000;
// As the service: candles are old once more than two have closed since the newest one.
const OLD_AFTER = 2;

/**
 * @param {{file: {name: string, content: Blob}, onRead: (subject: import("./try.js").Subject | null) => void}} props
 */
export function ReadFile({ file, onRead }) {
  const [choice, setChoice] = useState({});
  const [{ answer, problem }, setState] = useState({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    setState({});
    onRead(null);
    const path = withQuery("ai/candles/read", { name: file.name, limit: CANDLES, ...choice });
    ask(path, { method: "POST", content: file.content, signal: leaving.signal }).then(
      (found) => {
        setState({ answer: found });
        announce(found.choose ? `Choose a ${found.choose}` : `${found.count} candles read`);
      },
      (refused) => leaving.signal.aborted || setState({ problem: refused }),
    );
    return () => leaving.abort();
  }, [choice.symbol, choice.timeframe, round]);
  return html`<section class="panel" aria-label="What is in the file"><h2>${file.name || "Pasted rows"}</h2>
    ${problem ? html`<${Refusal} problem=${problem} reload=${() => setRound((number) => number + 1)} />` : null}
    ${!problem && !answer ? html`<${Skeleton} lines=${3} label="Reading the file" />` : null}
    ${answer?.choose ? html`<${Choice} answer=${answer} onChoose=${(given) => setChoice({ ...choice, ...given })} />` : null}
    ${answer && !answer.choose ? html`<${Facts} file=${file} answer=${answer} onRead=${onRead} />` : null}
  </section>`;
}

function Choice({ answer: { choose, symbols, timeframes }, onChoose }) {
  const several = choose === "symbol" ? symbols : timeframes;
  return html`<p>The file has several ${choose === "symbol" ? "markets" : "timeframes"}. Which one?</p>
    <div class="bar" role="group" aria-label=${`Choose a ${choose}`}>
      ${several.map((each) => html`<button key=${each} onClick=${() => onChoose({ [choose]: each })}>${each}</button>`)}
    </div>`;
}

function Facts({ file, answer, onRead }) {
  const [symbol, setSymbol] = useState(answer.symbol ?? "");
  const [then, setThen] = useState(false);
  const step = (answer.last_close - answer.last) || 1;
  const old = now() - answer.last_close > (OLD_AFTER + 1) * step;
  const use = (event) => {
    event?.preventDefault();
    const market = symbol.trim().toUpperCase();
    if (market) onRead({ symbol: market, timeframe: answer.timeframe, file: { name: file.name, answer }, asOf: then ? answer.last_close : null });
  };
  return html`<dl class="facts figure">
      <dt>Read as</dt><dd>${answer.form}</dd>
      <dt>Candles</dt><dd>${count(answer.count)} of ${answer.timeframe}${answer.missing ? `, ${count(answer.missing)} missing` : ""}</dd>
      <dt>First opens</dt><dd><${Moment} at=${answer.first} /></dd>
      <dt>Last opens</dt><dd><${Moment} at=${answer.last} /></dd>
      <dt>Columns</dt><dd>${answer.columns.join(", ")}</dd>
    </dl>
    ${answer.warnings.length ? html`<h3>What the reader noticed</h3>
      <ul>${answer.warnings.map((words) => html`<li key=${words}>${words}</li>`)}</ul>` : null}
    ${old ? html`<p class="notice warn">These candles are old: as an analysis of now the answer is Neutral and says so.
      <label class="block"><input type="checkbox" checked=${then} onChange=${({ target }) => setThen(target.checked)} />
        Analyze as of the last candle, <${Moment} at=${answer.last_close} /></label></p>` : null}
    <form class="bar" onSubmit=${use}>
      <label>Market <input required maxlength="30" placeholder="Which market is it?" autocomplete="off" spellcheck=${false}
        value=${symbol} onInput=${({ target }) => setSymbol(target.value)} /></label>
      <button class="primary">Use these candles</button>
    </form>`;
}
