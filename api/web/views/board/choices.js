/** Filter and order of the board; both stand in the address. */
import { html, useEffect, useRef } from "../../core/html.js";
import { adjust } from "../../core/address.js";
import { SIDES } from "../../core/signals.js";
import { ORDERS } from "./order.js";

/** @param {{parameters: {text?: string, side?: string, order?: string}, shown: number, known: number | null}} props `known` is null while they are loading. */
export function Choices({ parameters: { text = "", side = "", order = "newest" }, shown, known }) {
  const field = useRef(null);
  useEffect(() => {
    const find = (event) => {
      if (event.key !== "/" || event.target.matches("input, textarea, select")) return;
      event.preventDefault();
      field.current.focus();
    };
    addEventListener("keydown", find);
    return () => removeEventListener("keydown", find);
  }, []);
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label>Symbol <input ref=${field} type="search" value=${text} placeholder="press / to find" spellcheck="false"
      onInput=${(event) => adjust({ text: event.target.value })} /></label>
    <label>Signal <select value=${side} onChange=${(event) => adjust({ side: event.target.value })}>
      <option value="">All</option>
      ${SIDES.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
    </select></label>
    <label>Order <select value=${order} onChange=${(event) => adjust({ order: event.target.value })}>
      ${Object.entries(ORDERS).map(([name, [title]]) => html`<option key=${name} value=${name}>${title}</option>`)}
    </select></label>
    <span class="aside">${known === null ? "" : shown === known ? `${known} symbols` : `${shown} of ${known} symbols`}</span>
  </form>`;
}
