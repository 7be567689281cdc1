/** Which version of a lane answers now. */
import { useResource } from "../../core/resource.js";

const EVERY_MS = 60_000;

/**
 * Return the version of the lane's newest entry; that which began last while the entry is not known, null without any.
 * A lane whose settings go back goes on with an older version.
 *
 * @param {string} lane
 * @param {{lane_id: string, since: number}[]} versions Of `ai/lanes`, the newest first.
 */
export function usePresentVersion(lane, versions) {
  const { data } = useResource(versions.length > 1 ? `ai/ledger?lane=${lane}&limit=1` : null, { everyMs: EVERY_MS });
  const id = data?.entries[0]?.lane_id;
  return versions.find((version) => version.lane_id === id) ?? versions[0] ?? null;
}
