/** The keys of the LLM by their numbers: the page never learns a key itself. */
import { html } from "../../core/html.js";
import { count } from "../../core/numbers.js";
import { span } from "../../core/times.js";
import { Badge } from "../../parts/badges.js";
import { Table } from "../../parts/table.js";
import { Empty } from "../../parts/view_state.js";

// Tone, shape, word, and what it means.
const STATES = {
  ready: ["good", "●", "ready", "may be used now"],
  spacing: ["plain", "◐", "waits for its turn", "was just used, and is used again after a pause"],
  resting: ["warn", "▲", "rests", "was refused or failed, and is tried again later"],
  retired: ["bad", "■", "retired", "is not used again before a restart of the service"],
};
// By the outcome of its last call that failed.
const REASONS = {
  unauthorized: "the provider does not know it", forbidden: "the provider does not allow it", quota: "its credit is used up",
  rate_limited: "too many calls in short time", timeout: "the provider took too long", connection: "the provider could not be reached",
  server_error: "the provider failed", model_unknown: "it may not use this model",
};
const COLUMNS = [
  { title: "Key", value: ({ number }) => html`No. ${number} <span aria-hidden="true">••••</span>` },
  { title: "State", value: ({ status }) => html`<${State} status=${status} />` },
  { title: "Why", wide: true, value: ({ reason }) => (reason ? REASONS[reason] ?? reason.replaceAll("_", " ") : "–") },
  { title: "Ready", value: ({ ready_in_seconds: seconds }) => (seconds === null ? "not before a restart" : seconds > 0 ? `in ${span(1000 * seconds)}` : "now") },
  { title: "Calls", number: true, value: ({ calls }) => count(calls) },
  { title: "Failed", number: true, value: ({ calls, failures }) => `${count(failures)} of ${count(calls)}` },
];

/** @param {{keys: {number: number, status: string, ready_in_seconds: number | null, reason: string | null, calls: number, failures: number}[]}} props */
export function Keys({ keys }) {
  if (!keys.length) {
    return html`<${Empty} title="No key"><p>Without a key of an LLM the rules answer. <code>OPENAI_API_KEY</code> sets one.</p><//>`;
  }
  return html`<${Table} caption="Keys of the LLM and their states" columns=${COLUMNS} rows=${keys} rowKey=${({ number }) => number} />
    <p class="aside">Numbers are those of the configuration; calls and failures count since the start of this process. The keys themselves are
      never sent to a page.</p>`;
}

function State({ status }) {
  const [tone, shape, word, meaning] = STATES[status] ?? ["plain", "○", status, ""];
  return html`<${Badge} tone=${tone} title=${meaning}><span aria-hidden="true">${shape}</span> ${word}<//>`;
}
