/** The signal of a market in one line, its plan and what such plans came to, and the reasoning. */
import { html } from "../../core/html.js";
import { bps, count, number, percent, price, riskUnits, share } from "../../core/numbers.js";
import { isStale, SIGNAL_LIFE_MS } from "../../core/signals.js";
import { useNow } from "../../core/times.js";
import { DataBadge, SourceBadge, StaleBadge, VerdictBadge } from "../../parts/badges.js";
import { Age, Countdown } from "../../parts/moments.js";
import { SignalMark } from "../../parts/signal_mark.js";

/** @param {{signal: object}} props */
export function Headline({ signal }) {
  const stale = isStale(signal, useNow());
  return html`<section class="panel headline ${signal.side.toLowerCase()}" aria-label="The newest signal">
    <div class="row">
      <${SignalMark} side=${signal.side} large />
      <span class="figure confidence">${share(signal.confidence)} <small>${meaning(signal)}</small></span>
      <span class="badges">${stale ? html`<${StaleBadge} />` : null}<${DataBadge} sourceData=${signal.sourceData} /><${SourceBadge} source=${signal.source} /></span>
      <span class="aside"><${Age} at=${signal.generatedAt} />${stale ? null : html`, expires in <${Countdown} until=${signal.generatedAt + SIGNAL_LIFE_MS} />`}</span>
    </div>
    <div class="panels"><${Plan} signal=${signal} /><${Worth} evidence=${signal.evidence} /></div>
    <p>${signal.reasoning}</p>
    ${signal.fallbackReason ? html`<p class="aside">The LLM did not answer: ${signal.fallbackReason}</p>` : null}
  </section>`;
}

// A Neutral has the confidence that the better side's plan does not pay.
function meaning({ side, evidence }) {
  if (side !== "Neutral") return `confidence; ${share(0.5)} pays its costs and no more`;
  return evidence ? `confidence; above ${share(0.5)} the better side's plan loses` : "confidence";
}

function Plan({ signal }) {
  const { recommended_position_size: size, overall_risk: risk } = signal.riskAssessment;
  return html`<dl class="facts figure">
    <dt>${signal.stop === null ? "Price" : "Entry"}</dt><dd>${price(signal.price)}</dd>
    <dt>Stop: the idea is wrong beyond</dt><dd>${price(signal.stop)}</dd>
    <dt>Target</dt><dd>${price(signal.target)}</dd>
    <dt>Size, of the portfolio</dt><dd>${percent(size)}</dd>
    <dt>Risk</dt><dd>${risk}</dd>
  </dl>`;
}

function Worth({ evidence }) {
  if (!evidence) return html`<p class="aside">What such plans came to was not measured.</p>`;
  return html`<dl class="facts figure">
    <dt>Evidence</dt><dd><${VerdictBadge} verdict=${evidence.verdict} /></dd>
    <dt>Target first, break-even</dt><dd>${percent(evidence.target_first)}, ${percent(evidence.break_even)}</dd>
    <dt>Result after costs, of the risk</dt><dd>${riskUnits(evidence.expected_r)} [${riskUnits(evidence.low)}, ${riskUnits(evidence.high)}]</dd>
    <dt>Basis points: before, costs, after</dt><dd>${bps(evidence.gross_bps)}, ${number(evidence.cost_bps)}, ${bps(evidence.net_bps)}</dd>
    <dt>Independent plans</dt><dd>${count(evidence.plans)}</dd>
    <dt>Measured on</dt><dd>${evidence.built_from}</dd>
  </dl>`;
}
