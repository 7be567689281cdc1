/** Try it: a symbol or a file of candles in, the analysis, a backtest, and the requests that do the same. */
import { html, useEffect, useMemo, useState } from "../../core/html.js";
import { adjust } from "../../core/address.js";
import { Analysis } from "./analysis.js";
import { Backtest } from "./backtest.js";
import { FileForm } from "./file_form.js";
import { ReadFile } from "./read_file.js";
import { Requests } from "./requests.js";
import { SymbolForm } from "./symbol_form.js";

/**
 * What is tried: a market that the service knows candles of, or candles that were read out of a file.
 *
 * @typedef {{symbol: string, timeframe: string | null, file: {name: string, answer: object} | null, asOf: number | null}} Subject
 */

export function View({ parameters }) {
  const named = parameters.symbol ?? "";
  const [file, setFile] = useState(null);
  const [read, setRead] = useState(null);
  const market = useMemo(() => (named ? ofSymbol(named) : null), [named]);
  const subject = market ?? read;
  // A link, or the way back, may name a market while a file is shown.
  useEffect(() => {
    if (named) chooseFile(null);
  }, [named]);
  const chooseFile = (chosen) => {
    setFile(chosen);
    setRead(null);
    if (chosen) adjust({ symbol: null });
  };
  return html`<div class="try">
    <h1>Try it</h1>
    <div class="panels">
      <${SymbolForm} symbol=${named} onChoose=${(symbol) => adjust({ symbol })} />
      <${FileForm} onChoose=${chooseFile} />
    </div>
    ${file ? html`<${ReadFile} key=${file.at} file=${file} onRead=${setRead} />` : null}
    ${subject ? html`<${Trial} key=${keyOf(subject)} subject=${subject} />` : null}
  </div>`;
}

function Trial({ subject }) {
  const [wish, setWish] = useState({ lane: "rules", marketTimeframe: "1h" });
  return html`<${Analysis} subject=${subject} />
    <${Backtest} subject=${subject} wish=${wish} onWish=${setWish} />
    <${Requests} subject=${subject} wish=${wish} />`;
}

/** Return the subject of a market whose candles the service finds itself. */
function ofSymbol(symbol) {
  return { symbol, timeframe: null, file: null, asOf: null };
}

function keyOf({ symbol, timeframe, file, asOf }) {
  return [symbol, timeframe, file?.answer.first, file?.answer.count, asOf].join("|");
}
