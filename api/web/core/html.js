/** What every view is written with: Preact's hooks and htm's templates, of one file without a build step. */
import * as library from "../vendor/htm-preact.mjs";

export { html, render, useCallback, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState } from "../vendor/htm-preact.mjs";

/** Whether the libraries of the page are not installed, so that the service sent its own stand-in for this one. */
export const withoutLibraries = Boolean(library.isStandIn);
