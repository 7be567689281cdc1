/** What the page takes from Preact and htm, where they are not installed: sent in the place of their file. */
export { render } from "../plain/drawing.js";
export { useCallback, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState } from "../plain/hooks.js";
export { html } from "../plain/templates.js";
export const isStandIn = true;
