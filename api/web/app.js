/** The page: its frame, and the view that the address names. */
import { html, render, useEffect, useErrorBoundary, useState, withoutLibraries } from "./core/html.js";
import { usePlace } from "./core/address.js";
import { useNewestSignals } from "./core/newest.js";
import { keepPositions, useArrival } from "./core/position.js";
import { keepConnected } from "./core/socket.js";
import { useTopic } from "./core/store.js";
import { startClock } from "./core/times.js";
import { Header, PLACES } from "./parts/header.js";
import { Skeleton } from "./parts/view_state.js";
import { applyTheme } from "./parts/theme.js";
import { TokenForm } from "./parts/token_form.js";

// Each view is loaded when it is first shown, with the charts that it alone needs.
const VIEWS = {
  board: () => import("./views/board/board.js"),
  symbol: () => import("./views/symbol/symbol.js"),
  record: () => import("./views/record/record.js"),
  operations: () => import("./views/operations/operations.js"),
  try: () => import("./views/try/try.js"),
};

function App() {
  const { view, subject, parameters } = usePlace();
  const newest = useNewestSignals();
  useEffect(() => {
    document.title = `${subject ?? Object.fromEntries(PLACES)[view] ?? "Board"} · Trading signals`;
  }, [view, subject]);
  return html`<${Header} view=${view} />
    <main id="main" tabindex="-1">${withoutLibraries ? html`<${WithoutLibraries} />` : null}
      ${newest.problem?.status === 401 && view !== "operations" ? html`<${TokenNeeded} />` : null}<${View} key=${`${view}/${subject}`} name=${view} subject=${subject} parameters=${parameters}
      newest=${newest} /></main>
    <footer>
      Signals are information, not advice. ${withoutLibraries ? null : html`Charts by <a href="https://www.tradingview.com/" rel="noreferrer">TradingView
      Lightweight Charts™</a>. `}<a href="docs">API reference</a>
    </footer>`;
}

function View({ name, ...properties }) {
  const [loaded, setLoaded] = useState(null);
  const [failure, resetFailure] = useErrorBoundary();
  useEffect(() => {
    const load = VIEWS[name] ?? VIEWS.board;
    load().then(({ View: found }) => setLoaded(() => found), () => setLoaded(() => NotLoaded));
  }, [name]);
  useArrival(loaded);
  if (failure) return html`<${Broken} error=${failure} again=${resetFailure} />`;
  if (!loaded) return html`<${Skeleton} lines=${8} />`;
  return html`<${loaded} ...${properties} />`;
}

/** Says why charts are plain ones, and what would change it. */
function WithoutLibraries() {
  return html`<p class="notice">The libraries of this page are not installed, so its charts are plain ones. Where npm is there, <code>make
    setup</code> fetches them; then load the page again.</p>`;
}

/** Asks for a token where signals are given to those who have one. */
function TokenNeeded() {
  return html`<div class="notice warn">
    <p>This service gives its signals to those who have a token.</p>
    <${TokenForm} listener />
  </div>`;
}

/** Says that the files of a view did not come; the page is loaded again when the service is back. */
function NotLoaded() {
  const { state } = useTopic("socket", { state: "connecting" });
  const [away, setAway] = useState(state !== "open");
  useEffect(() => {
    if (away && state === "open") location.reload();
    else setAway(state !== "open");
  }, [away, state]);
  return html`<div class="empty refusal" role="alert">
    <h2>This view could not be loaded</h2>
    <p>${away ? "The service does not answer. The view is loaded as soon as it does." : "Its files did not come from the service."}</p>
    ${away ? null : html`<button onClick=${() => location.reload()}>Load the page again</button>`}
  </div>`;
}

/** An error of the page itself: said, never a blank page. */
function Broken({ error, again }) {
  useEffect(() => console.error(error), [error]);
  return html`<div class="empty refusal" role="alert">
    <h2>This view cannot be shown</h2>
    <p>${String(error.message ?? error)}</p>
    <button onClick=${again}>Try again</button>
  </div>`;
}

// Where the reader skips to is no place of the address.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
applyTheme();
startClock();
keepPositions();
keepConnected();
render(html`<${App} />`, document.getElementById("page"));
