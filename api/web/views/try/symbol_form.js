/** Names a market whose candles the service finds itself. */
import { html, useEffect, useState } from "../../core/html.js";
import { useTopic } from "../../core/store.js";

/** @param {{symbol: string, onChoose: (symbol: string) => void}} props `symbol` is the one that the address names. */
export function SymbolForm({ symbol, onChoose }) {
  const known = useTopic("symbols", []);
  const [text, setText] = useState(symbol);
  useEffect(() => setText(symbol), [symbol]);
  const submit = (event) => {
    event.preventDefault();
    if (text.trim()) onChoose(text.trim().toUpperCase());
  };
  return html`<section class="panel"><h2>A market</h2>
    <form class="bar" onSubmit=${submit}>
      <label>Symbol <input name="symbol" list="known-symbols" required maxlength="30" autocomplete="off" spellcheck=${false}
        placeholder="BTCUSDT" value=${text} onInput=${({ target }) => setText(target.value)} /></label>
      <datalist id="known-symbols">${known.map((each) => html`<option key=${each} value=${each} />`)}</datalist>
      <button class="primary">Use this market</button>
    </form>
    <p class="aside">The service takes the newest candles that it has or that its sources give.</p>
  </section>`;
}
