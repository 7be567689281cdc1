/** The analysis of what is tried, in the parts of the view of a market. */
import { html, useEffect, useState } from "../../core/html.js";
import { ask } from "../../core/api.js";
import { announceSignal } from "../../core/announce.js";
import { signalOf } from "../../core/signals.js";
import { Moment } from "../../parts/moments.js";
import { Refusal, Skeleton } from "../../parts/view_state.js";
import { Gates } from "../symbol/gates.js";
import { Headline } from "../symbol/headline.js";
import { Lanes } from "../symbol/lanes.js";
import { Strategies } from "../symbol/strategies.js";
import { analyzeBody } from "./bodies.js";

/** @param {{subject: import("./try.js").Subject}} props */
export function Analysis({ subject }) {
  const [round, setRound] = useState(0);
  const [{ signal, problem }, setState] = useState({});
  useEffect(() => {
    const leaving = new AbortController();
    setState({});
    ask("ai/analyze", { method: "POST", body: analyzeBody(subject, Date.now()), signal: leaving.signal }).then(
      (answer) => {
        // The answer names the newest close only to sockets; here it is that of the candles that were sent.
        const found = { ...signalOf(answer), price: subject.file ? subject.file.answer.candles.at(-1).close : answer.price ?? null };
        setState({ signal: found });
        announceSignal(found);
      },
      (refused) => leaving.signal.aborted || setState({ problem: refused }),
    );
    return () => leaving.abort();
  }, [round]);
  return html`<h2 class="part">Analysis of ${subject.symbol}</h2>
    ${subject.asOf ? html`<p class="notice">As of the last candle, <${Moment} at=${subject.asOf} />: what would have been said then.</p>` : null}
    ${problem ? html`<${Refusal} problem=${problem} reload=${() => setRound((number) => number + 1)} />` : null}
    ${!problem && !signal ? html`<${Skeleton} lines=${6} label="Analyzing" />` : null}
    ${signal ? html`<${Headline} signal=${signal} />
      <div class="panels"><${Gates} signal=${signal} /><${Lanes} signal=${signal} /></div><${Strategies} signal=${signal} />` : null}`;
}
