/** One line that tells whether the service is alive: socket, newest answer, its source, and when the loop runs next. */
import { html, useEffect } from "../core/html.js";
import { useResource } from "../core/resource.js";
import { useTopic } from "../core/store.js";
import { epoch, hearTime } from "../core/times.js";
import { Badge, DataBadge, SourceBadge } from "./badges.js";
import { Age, Countdown } from "./moments.js";

const HEALTH_MS = 30_000;

export function LivenessLine() {
  const socket = useTopic("socket", { state: "connecting" });
  const newest = useTopic("newest");
  const refused = useTopic("refused");
  const switched = useTopic("event:SafeModeChanged");
  const health = useResource("health", { everyMs: HEALTH_MS });
  // A service that has just gone is not healthy for the rest of the half minute, nor is one that is back away; safe mode is
  // shown at once.
  useEffect(() => {
    if (socket.state === "closed" || health.problem || switched) health.reload();
  }, [socket.state, switched]);
  useEffect(() => {
    if (health.data) hearTime(health.data.timestamp);
  }, [health.data]);
  const answers = Boolean(health.data) && !health.problem;
  return html`<div class="liveness" role="group" aria-label="Whether the service is alive">
    <${SocketState} socket=${socket} refused=${refused} answers=${answers} />
    ${newest ? html`<span>newest answer <${Age} at=${newest.generatedAt} /></span>
      <${SourceBadge} source=${newest.source} /><${DataBadge} sourceData=${newest.sourceData} />` : html`<span>no answer yet</span>`}
    <${NextRun} health=${health.data} />
    <${Parts} health=${health} />
  </div>`;
}

function SocketState({ socket, refused, answers }) {
  if (socket.state === "open") return html`<span class="live"><i class="dot good"></i>live</span>`;
  if (refused) return html`<span class="away" role="status"><i class="dot bad"></i>no live signals: a token is needed</span>`;
  if (socket.state === "connecting") return html`<span><i class="dot"></i>connecting…</span>`;
  // A proxy that passes requests on may pass no sockets on.
  const state = answers && socket.attempts > 1 ? "no live signals: the socket does not open" : "offline";
  // The time that is left is no news to those who listen.
  return html`<span class="away"><i class="dot bad"></i><span role="status">${state},</span> connecting again in <${Countdown}
    until=${socket.retryAt} /></span>`;
}

function NextRun({ health }) {
  if (health && !health.periodic_analysis) return html`<span>periodic analysis off</span>`;
  const cycle = health?.last_cycle;
  if (!cycle) return null;
  const next = epoch(cycle.started_at) + health.analysis_interval_minutes * 60_000;
  return html`<span>next run in <${Countdown} until=${next} /></span>`;
}

function Parts({ health: { data, problem } }) {
  if (problem) return html`<${Badge} tone="bad" title=${problem.message}>no health<//>`;
  if (!data?.degraded?.length) return data ? html`<${Badge} tone="good">healthy<//>` : null;
  const safe = data.problems.find(({ part }) => part === "safe_mode");
  const others = data.problems.filter((problem) => problem !== safe);
  const what = others.map(({ part, reason }) => `${part}: ${reason}`).join("\n");
  return html`${safe ? html`<a href="#/operations?section=switches"><${Badge} tone="loud" title=${safe.reason}>SAFE MODE: every answer is Neutral<//></a>` : null}
    ${others.length ? html`<a href="#/operations"><${Badge} tone="warn" title=${what}>${others.length} degraded<//></a>` : null}`;
}
