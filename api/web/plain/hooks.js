/** What a view remembers from one drawing to the next, as Preact's hooks of the same names do. */

// The view that is drawn now, and which of its memories is next.
let current = null;

/** Call a view with its properties; its hooks remember in `drawn`, and ask `drawAgain` for it once that changes. */
export function called(drawn, drawAgain) {
  const outer = current;
  current = { drawn, drawAgain, next: 0 };
  try {
    return drawn.node.type(drawn.node.props);
  } finally {
    current = outer;
  }
}

/** Run the effects that have to run after this drawing. */
export function runEffects(drawn) {
  for (const memory of drawn.memories) {
    if (!memory.effect) continue;
    memory.end?.();
    const { effect } = memory;
    memory.effect = memory.end = null;
    memory.end = effect() ?? null;
  }
}

/** End the effects of a view that is taken away. */
export function endEffects(drawn) {
  for (const memory of drawn.memories) memory.end?.();
}

export function useState(initial) {
  const memory = remembered(({ drawn, drawAgain }) => {
    const made = { value: typeof initial === "function" ? initial() : initial };
    made.set = (next) => {
      const value = typeof next === "function" ? next(made.value) : next;
      if (Object.is(value, made.value)) return;
      made.value = value;
      drawAgain(drawn);
    };
    return made;
  });
  return [memory.value, memory.set];
}

export function useEffect(effect, inputs) {
  const memory = remembered(() => ({ inputs: null, effect: null, end: null }));
  if (differ(memory, inputs)) memory.effect = effect;
}

export const useLayoutEffect = useEffect;

export function useMemo(make, inputs) {
  const memory = remembered(() => ({ inputs: null, value: null }));
  if (differ(memory, inputs)) memory.value = make();
  return memory.value;
}

export const useCallback = (callback, inputs) => useMemo(() => callback, inputs);
export const useRef = (initial) => useMemo(() => ({ current: initial }), []);

/** Return the error of a view inside this one, null while there is none, and what forgets it. */
export function useErrorBoundary() {
  const [error, setError] = useState(null);
  current.drawn.boundary = setError;
  return [error, () => setError(null)];
}

function remembered(make) {
  const { memories } = current.drawn;
  const at = current.next++;
  memories[at] ??= make(current);
  return memories[at];
}

// Without inputs it is new at each drawing.
function differ(memory, inputs) {
  const same = memory.inputs && inputs && inputs.every((input, at) => Object.is(input, memory.inputs[at]));
  memory.inputs = inputs ?? null;
  return !same;
}
