/** What a view shows of one route: its newest answer, and in which state it is. */
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { ask } from "./api.js";
import { useTopic } from "./store.js";
import { now } from "./times.js";

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Read a route, again every `everyMs`, and after a failure with growing pauses.
 *
 * @param {string | null} path Null where there is nothing to ask yet.
 * @param {{everyMs?: number}} options
 * @returns {{data: any, problem: import("./api.js").Problem | null, loading: boolean, at: number | null,
 *   reload: () => void}} `data` stays the last good answer while `problem` says why there is no newer one; `at` is
 *   when it came.
 */
export function useResource(path, { everyMs = 0 } = {}) {
  const [state, setState] = useState({ path: null, data: null, problem: null, at: null });
  const [round, setRound] = useState(0);
  const token = useTopic("token");
  const failures = useRef(0);
  const reload = useCallback(() => setRound((number) => number + 1), []);

  useEffect(() => {
    if (!path) return undefined;
    const leaving = new AbortController();
    let timer = 0;
    const look = async () => {
      let pause = everyMs;
      try {
        const data = await ask(path, { signal: leaving.signal });
        failures.current = 0;
        setState({ path, data, problem: null, at: now() });
      } catch (problem) {
        if (leaving.signal.aborted) return;
        setState((before) => (before.path === path ? { ...before, problem } : { path, data: null, problem, at: null }));
        if (isPassing(problem)) {
          const longer = Math.min(FIRST_RETRY_MS * 2 ** failures.current, LONGEST_RETRY_MS);
          pause = (problem.retryAfterSeconds ?? 0) * 1000 || longer;
          failures.current += 1;
        }
      }
      if (pause) timer = setTimeout(look, pause);
    };
    look();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, round, token]);

  const current = state.path === path ? state : { data: null, problem: null, at: null };
  return { ...current, loading: Boolean(path) && !current.data && !current.problem, reload };
}

// What is busy or away may soon come back; a refusal is looked at again no sooner than an answer would be.
function isPassing(problem) {
  return problem.status === 0 || problem.status === 429 || problem.status >= 500;
}
