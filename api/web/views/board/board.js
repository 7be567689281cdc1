/** The board: one card for each symbol, and a strip that shows at a glance which way all of them point. */
import { html, useCallback, useRef } from "../../core/html.js";
import { adjust } from "../../core/address.js";
import { useTopic } from "../../core/store.js";
import { Empty, Refusal, Skeleton } from "../../parts/view_state.js";
import { Card } from "./card.js";
import { Choices } from "./choices.js";
import { useDrawnOnce } from "./drawn_once.js";
import { HeatStrip } from "./heat_strip.js";
import { useOrder } from "./order.js";

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
    ${symbols.length ? html`<p class="aside">Confidence 0.50 is where a plan pays its costs and no more; it is no probability of profit.</p>` : null}
    <ul class="cards" ref=${cards} onKeyDown=${move}>
      ${items}
    </ul>`;
}

function Nothing() {
  return html`<${Empty} title="No signals yet">
    <p>The service analyzes its symbols every few minutes, and shows here what clients ask of it. The first signals appear
      by themselves.</p>
    <p><a href="#/try">Analyze a market now</a></p><//>`;
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
