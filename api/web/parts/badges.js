/** Small marks: where an answer comes from, what evidence says, how urgent a finding is. */
import { html } from "../core/html.js";

const SOURCES = { llm: "LLM", technical: "Rules", rules: "Rules", model: "Model", blend: "Rules and model", shadow: "Candidate" };
const VERDICTS = {
  positive: ["good", "Plans like this one paid their costs, the interval clear of zero"],
  weak: ["plain", "Better than chance, but not surely better than their costs"],
  none: ["plain", "As chance"],
  inverted: ["bad", "Worse than chance"],
  insufficient: ["grey", "Not enough independent plans were measured"],
};
const LEVELS = { ok: "good", healthy: "good", info: "plain", warning: "warn", degraded: "warn", critical: "bad", failed: "bad" };

/** A badge with a tone: good, warn, bad, plain, grey or loud. */
export function Badge({ tone = "plain", title, children }) {
  return html`<span class="badge ${tone}" title=${title}>${children}</span>`;
}

/** Who answered: LLM, rules or model. */
export function SourceBadge({ source }) {
  return html`<${Badge} title="Who gave this answer">${SOURCES[source] ?? source}<//>`;
}

/** Says so where the candles are made up, and names another source of candles. */
export function DataBadge({ sourceData }) {
  if (!sourceData) return null;
  return sourceData === "synthetic"
    ? html`<${Badge} tone="loud" title="These candles are made up, for demonstration: nothing here is about a real market">
        SYNTHETIC<//>`
    : html`<${Badge} title="Where the candles come from">${sourceData}<//>`;
}

/** The verdict of evidence or of a record, in words; "undecided" where too little is known. */
export function VerdictBadge({ verdict }) {
  if (!verdict) return null;
  const [tone, meaning] = VERDICTS[verdict] ?? ["plain", ""];
  return html`<${Badge} tone=${tone} title=${meaning}>${verdict === "insufficient" ? "undecided" : verdict}<//>`;
}

/** How urgent a report, notice or state is. */
export function LevelBadge({ level }) {
  return html`<${Badge} tone=${LEVELS[level] ?? "plain"}>${level}<//>`;
}

/** Marks what is too old to act on. */
export function StaleBadge() {
  return html`<${Badge} tone="warn" title="Older than 30 minutes: do not act on it">STALE<//>`;
}
