/** The same as requests: for a shell, and for Python with the project's own client. */
import { html, useState } from "../../core/html.js";
import { announce } from "../../core/announce.js";
import { analyzeCurl, analyzePython, backtestCurl } from "./bodies.js";

/** @param {{subject: import("./try.js").Subject, wish: {lane: string, marketTimeframe: string}}} props */
export function Requests({ subject, wish }) {
  const origin = new URL(".", document.baseURI).href;
  const [now] = useState(() => Date.now());
  return html`<h2 class="part">The same from your own code</h2>
    <div class="panels">
      <${Code} title="Analysis with curl" text=${analyzeCurl(subject, origin, now)} />
      <${Code} title="Analysis with Python" text=${analyzePython(subject, origin)}
        note="The client is in clients/python: pip install ./clients/python" />
      <${Code} title="Backtest with curl" text=${backtestCurl(subject, wish, origin)}
        note="ADMIN_TOKEN is taken from your shell. GET /jobs/ID says how far it is, and has the result." />
    </div>`;
}

// A body of thousands of candles would take seconds to lay out; it is copied whole.
const SHOWN = 4_000;

function Code({ title, text, note }) {
  const [copied, setCopied] = useState("");
  const copy = () => navigator.clipboard.writeText(text).then(
    () => say("Copied"),
    () => say("The browser does not let this page copy: select the text instead"),
  );
  const say = (words) => {
    setCopied(words);
    announce(words);
  };
  return html`<section class="panel code" aria-label=${title}>
    <div class="row"><h3>${title}</h3><span class="aside">${copied}</span>
      <button onClick=${copy} aria-label=${`Copy: ${title}`}>Copy</button></div>
    <pre tabindex="0">${text.length > SHOWN ? `${text.slice(0, SHOWN)}\n… (${text.length.toLocaleString()} characters, copied whole)` : text}</pre>
    ${note ? html`<p class="aside">${note}</p>` : null}
  </section>`;
}
