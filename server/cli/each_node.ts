/** Commands that take several nodes. */
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ConnectionOptions } from "./connection.ts";
import { hasGroup, nodeNames } from "../words/node_names.ts";
import { remark } from "./terminal.ts";

export interface NodeOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** Expands ranges and groups. */
export async function namedNodes(
  client: ApiClient,
  { patterns, signal }: { patterns: readonly string[]; signal: AbortSignal },
): Promise<string[]> {
  const nodes = hasGroup(patterns) ? await client.call("GET /nodes", { signal }) : [];
  return nodeNames(patterns, { nodes });
}

/** Does `work` for every node, even after it failed for one; then throws RackseedError for those that failed. */
export async function forEachNode(
  keys: readonly string[],
  { title, signal, work }: {
    title: string;
    signal: AbortSignal;
    work: (key: string) => Promise<void>;
  },
): Promise<void> {
  const failures: RackseedError[] = [];
  for (const key of keys) {
    try {
      await work(key);
    } catch (error) {
      if (signal.aborted || keys.length === 1 || !(error instanceof RackseedError)) throw error;
      failures.push(error);
      remark(`error: ${error.title}: ${error.reason}`);
    }
  }
  const [first] = failures;
  if (first === undefined) return;
  throw new RackseedError(title, {
    reason: `${failures.length} of ${keys.length} failed, see above; the others are done.`,
    remedy: [...new Set(failures.map((failure) => failure.remedy))].slice(0, 3).join(" "),
    status: first.status,
  });
}
