/** The states of everything that is asked for: loading, refused, away, empty, and old data while it is away. */
import { html } from "../core/html.js";
import { useTopic } from "../core/store.js";
import { Age } from "./moments.js";

/** Grey lines in the place of what is loading. */
export function Skeleton({ lines = 4, label = "Loading" }) {
  return html`<div class="skeleton" role="status" aria-label=${label}>
    ${Array.from({ length: lines }, (_, index) => html`<span key=${index}></span>`)}
  </div>`;
}

/** What is said where there is nothing to show, and what would bring something. */
export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2><div>${children}</div></div>`;
}

/** Why something cannot be shown. */
export function Refusal({ problem, reload }) {
  const { status } = problem;
  const signalsNeedOne = useTopic("refused");
  const needsToken = status === 401 || status === 403;
  return html`<div class="empty refusal" role="alert">
    <h2>${status ? `${status} ${problem.title}` : problem.title}</h2>
    <p>${problem.message}</p>
    ${needsToken ? html`<p>${signalsNeedOne ? "It is shown once a token is given above."
      : html`Operators give the administrator's token under <a href="#/operations">Operations</a>.`}</p>` : null}
    ${reload ? html`<button onClick=${reload}>Ask again</button>` : null}
  </div>`;
}

/**
 * Show what a resource has: its skeleton while it loads, its refusal, what to say when it is empty, or `children(data)`.
 *
 * @param {{resource: ReturnType<typeof import("../core/resource.js").useResource>, lines?: number,
 *   isEmpty?: (data: any) => boolean, empty?: any, children: (data: any) => any}} props
 */
export function Resource({ resource, lines, isEmpty = () => false, empty = null, children }) {
  const { data, problem, loading, reload, at } = resource;
  if (loading) return html`<${Skeleton} lines=${lines} />`;
  if (!data) return problem ? html`<${Refusal} problem=${problem} reload=${reload} />` : null;
  const shown = isEmpty(data) ? empty : children(data);
  return problem ? html`<${OldData} problem=${problem} at=${at} />${shown}` : shown;
}

/** Says since when data has not been renewed, and why. */
function OldData({ problem, at }) {
  return html`<p class="notice warn">As of <${Age} at=${at} />; <span role="status">no newer data: ${problem.message}</span></p>`;
}
