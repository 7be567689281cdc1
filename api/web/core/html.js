/** What every view is written with: Preact's hooks and htm's templates, of one file without a build step. */
export {
  Component, createContext, html, render, useCallback, useContext, useEffect, useErrorBoundary, useLayoutEffect,
  useMemo, useReducer, useRef, useState,
} from "../vendor/htm-preact.mjs";
