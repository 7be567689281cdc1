/** Takes candles of the reader's own: a file that is dropped or chosen, or rows that are pasted. */
import { html, useState } from "../../core/html.js";

/** @param {{onChoose: (file: {name: string, content: Blob, at: number}) => void}} props */
export function FileForm({ onChoose }) {
  const [over, setOver] = useState(false);
  const [rows, setRows] = useState("");
  const give = (name, content) => onChoose({ name, content, at: Date.now() });
  const take = (files) => files?.length && give(files[0].name, files[0]);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  const drag = (event) => {
    event.preventDefault();
    setOver(true);
  };
  const read = (event) => {
    event.preventDefault();
    if (rows.trim()) give("", new Blob([rows]));
  };
  return html`<section class="panel"><h2>Candles of your own</h2>
    <div class="drop ${over ? "over" : ""}" onDragOver=${drag} onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <label>Drop a file here, or choose one <input type="file" onChange=${({ target }) => {
        take(target.files);
        target.value = ""; // so that the same file can be chosen again once it is mended
      }} /></label>
      <p class="aside">CSV, JSON, Parquet or Feather, packed or not; exports of TradingView, Binance, Kraken, Yahoo,
        MetaTrader and others. Nothing of it is kept.</p>
    </div>
    <form onSubmit=${read}>
      <label for="pasted-rows">Or paste rows</label>
      <textarea id="pasted-rows" rows="4" spellcheck=${false} placeholder="timestamp,open,high,low,close,volume"
        value=${rows} onInput=${({ target }) => setRows(target.value)}></textarea>
      <button disabled=${!rows.trim()}>Read the rows</button>
    </form>
  </section>`;
}
