/** The one socket of the page: it keeps itself connected, and tells the store what arrives. */
import { announceSignal } from "./announce.js";
import { signalOf } from "./signals.js";
import { read, subscribe, write } from "./store.js";
import { now } from "./times.js";

const PING_MS = 30_000;
const PONG_MS = 5_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const KEPT_EVENTS = 200;
// What a browser may offer as a subprotocol.
const OFFERABLE = /^[\w!#$%&'*+.^`|~-]+$/;

let socket = null;
let attempts = 0;
let retry = 0;
let pings = 0;
let pong = 0;

/** Connect, and go on connecting for as long as the page is open. */
export function keepConnected() {
  addEventListener("online", connectNow);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    // A machine that slept may still take a socket for open that is not.
    if (read("socket").state === "open") ping();
    else connectNow();
  });
  subscribe("refused", connectNow);
  connect();
}

/** Keep a signal if it is newer than the one that is known of its symbol. */
export function keepSignal(signal) {
  const known = read(`signal:${signal.symbol}`);
  if (known && known.generatedAt > signal.generatedAt) return;
  write(`signal:${signal.symbol}`, signal);
  const symbols = read("symbols", []);
  if (!symbols.includes(signal.symbol)) write("symbols", [...symbols, signal.symbol]);
  if (!(read("newest")?.generatedAt > signal.generatedAt)) write("newest", signal);
}

function connectNow() {
  clearTimeout(retry);
  if (!socket) connect();
}

function connect() {
  write("socket", { state: "connecting", attempts });
  const address = new URL("ws", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  const token = read("token") ?? "";
  socket = new WebSocket(address, OFFERABLE.test(token) ? ["bearer", token] : []);
  socket.onopen = () => {
    attempts = 0;
    write("socket", { state: "open", attempts });
    pings = setInterval(ping, PING_MS);
  };
  socket.onmessage = ({ data }) => {
    clearTimeout(pong);
    receive(JSON.parse(data));
  };
  socket.onclose = closed;
}

function closed() {
  clearInterval(pings);
  clearTimeout(pong);
  socket = null;
  // Spread, so that the pages that a restart disconnects do not all come back at one moment.
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS) * (0.5 + Math.random());
  attempts += 1;
  write("socket", { state: "closed", attempts, retryAt: now() + pause });
  // Without the token that it needs it would be refused for ever.
  if (!read("refused")) retry = setTimeout(connect, pause);
}

function ping() {
  clearTimeout(pong);
  socket.send(JSON.stringify({ type: "Ping" }));
  pong = setTimeout(giveUp, PONG_MS);
}

// Where the network is gone, a browser waits for minutes until it calls a socket closed.
function giveUp() {
  socket.onclose = socket.onmessage = null;
  socket.close();
  closed();
}

function receive(event) {
  if (event.type === "Pong" || event.type === "connection") return;
  if (event.type === "AISignalReceived") hear(signalOf(event.data));
  write(`event:${event.type}`, event);
  write("events", [{ ...event, at: now() }, ...read("events", [])].slice(0, KEPT_EVENTS));
}

// Who listens is told when a market has another side, not of each answer that says the same again.
function hear(signal) {
  const known = read(`signal:${signal.symbol}`);
  keepSignal(signal);
  if (known && known.side !== signal.side) announceSignal(signal);
}
