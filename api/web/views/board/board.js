/** The board: one card for each symbol, and a strip that shows at a glance which way all of them point. */
import { html, useCallback, useRef } from "../../core/html.js";
import { adjust } from "../../core/address.js";
import { useTopic } from "../../core/store.js";
import { riskUnits, share } from "../../core/numbers.js";
import { useResource } from "../../core/resource.js";
import { Empty, Refusal, Skeleton } from "../../parts/view_state.js";
import { Card } from "./card.js";
import { Choices } from "./choices.js";
import { useDrawnOnce } from "./drawn_once.js";
import { HeatStrip } from "./heat_strip.js";
import { useOrder } from "./order.js";

const HEALTH_MS = 30_000;
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** @param {{parameters: object, newest: object}} props Filter and order; the resource of the newest signals. */
export function View({ parameters, newest }) {
  const known = useTopic("symbols", []);
  const cards = useRef(null);
  const symbols = useOrder(known, parameters, cards);
  const items = useDrawnOnce(symbols, (symbol) => html`<li key=${symbol}><${Card} symbol=${symbol} /></li>`);
  const move = useCallback((event) => moveFocus(event, cards.current), []);

  return html`<h1 class="hidden-visually">Board</h1>
    <${HeatStrip} symbols=${symbols} />
    <${Choices} parameters=${parameters} shown=${symbols.length} known=${newest.loading ? null : known.length} />
    ${known.length === 0 && newest.loading ? html`<${Skeleton} lines=${8} label="Loading the newest signals" />` : null}
    ${known.length === 0 && newest.problem ? html`<${Refusal} problem=${newest.problem} reload=${newest.reload} />` : null}
    ${known.length === 0 && newest.data ? html`<${Nothing} />` : null}
    ${known.length > 0 && symbols.length === 0 ? html`<${Empty} title="No symbol fits the filter">
      <button onClick=${() => adjust({ text: null, side: null })}>Show all</button><//>` : null}
    ${symbols.length ? html`<${Reading} />` : null}
    <ul class="cards" ref=${cards} onKeyDown=${move}>
      ${items}
    </ul>`;
}

/** What the words and figures of a card mean. */
function Reading() {
  return html`<details class="aside reading">
    <summary>Confidence ${share(0.5)} is where a plan pays its costs and no more; it is no probability of profit. How to read the board</summary>
    <dl>
      <dt>Long, Short, Neutral</dt><dd>A rise, a fall, or no trade that is worth its risk. The strip at the top goes from the strongest Long to
        the strongest Short. Click a market for its chart and the reasons.</dd>
      <dt>Confidence</dt><dd>What the plan is worth after costs, as the odds of an even bet. Of a Neutral: above ${share(0.5)}, the better side's plan loses.</dd>
      <dt>R</dt><dd>One R is what a plan risks: the way from the entry to the stop. A plan that comes to ${riskUnits(0.05)} R earns a twentieth of it on average.</dd>
      <dt>positive, weak, none, inverted, undecided</dt><dd>Whether plans like this one earned more in the past than they cost, with the number of
        plans that were measured.</dd>
      <dt>Stop and target</dt><dd>The bar shows where the price stands between them, and the mark where it stood at the signal.</dd>
    </dl></details>`;
}

function Nothing() {
  const health = useResource("health", { everyMs: HEALTH_MS });
  return html`<${Empty} title="No signals yet">
    <p>Signals that clients ask for appear here. ${health.data ? byItself(health.data) : null}</p>
    <p><a href="#/try">Analyze a market now</a></p><//>`;
}

/** Return what the service does without being asked, in a sentence. */
function byItself({ periodic_analysis: on, analysis_interval_minutes: minutes, last_cycle: cycle }) {
  if (!on) return "The service makes none by itself: its periodic analysis is off.";
  const [[symbol, reason] = []] = Object.entries(cycle?.failures ?? {});
  if (symbol) return html`The periodic analysis <a href="#/operations">failed</a>: ${symbol}: ${reason}.`;
  return `The service also analyzes its symbols by itself, every ${minutes === 1 ? "minute" : `${minutes} minutes`}.`;
}

/** Move between cards by arrow keys, by rows too. */
function moveFocus(event, list) {
  const links = [...list.querySelectorAll("a.card")];
  const at = links.indexOf(document.activeElement);
  if (at < 0) return;
  const columns = links.filter((link) => link.offsetTop === links[0].offsetTop).length;
  const step = { ...STEPS, ArrowDown: columns, ArrowUp: -columns }[event.key];
  const next = event.key === "Home" ? 0 : event.key === "End" ? links.length - 1 : at + step;
  if (!links[next]) return;
  event.preventDefault();
  links[next].focus();
}
