/** Requests to the service's public API, from the page's own origin. */
import { read, write } from "./store.js";

const TIMEOUT_MS = 35_000;

/** An answer that is no success, or none at all; `status` is 0 where the service could not be reached. */
export class Problem extends Error {
  constructor(status, title, detail, retryAfterSeconds = null) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Return the answer of a request: of JSON its value, of a text itself.
 *
 * @param {string} path Relative to the service, as `ai/ledger?limit=20`.
 * @param {{method?: string, body?: unknown, content?: Blob, signal?: AbortSignal}} options `body` is sent as JSON,
 *   `content` as it is.
 * @throws {Problem} The service refuses, fails or cannot be reached.
 */
export async function ask(path, { method = "GET", body, content, signal } = {}) {
  const headers = { accept: "application/json, text/markdown" };
  const token = read("token");
  if (token) headers.authorization = `Bearer ${token}`;
  if (content !== undefined) headers["content-type"] = "application/octet-stream";
  if (body !== undefined) headers["content-type"] = "application/json";
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  let response;
  try {
    response = await fetch(path, {
      method, headers, body: content ?? (body === undefined ? undefined : JSON.stringify(body)), signal: AbortSignal.any(limits),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "The service cannot be reached", "The service does not answer. It is asked again by itself.");
  }
  const text = await response.text();
  const answer = response.headers.get("content-type")?.startsWith("text/markdown") ? text : parsed(text);
  if (response.ok) return answer;
  // It was the administrator's when it was typed: the service has another one since.
  if (response.status === 401 && read("admin") && token === read("token")) {
    write("admin", false);
    write("token", null);
    write("expired", true);
  }
  const wait = Number(response.headers.get("retry-after")) || null;
  throw new Problem(response.status, answer?.title ?? response.statusText, answer?.detail ?? text.slice(0, 300), wait);
}

/** Return a path with the parameters that have a value. */
export function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
