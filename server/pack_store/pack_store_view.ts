/** What people see of a pack store. Pure. */
import type { Notice } from "#contract/api.ts";
import type { PackStoreView } from "#contract/api/pack_store.ts";
import type { RackseedError } from "#contract/errors.ts";
import type { BucketObject, PackHome } from "../store/bucket_objects.ts";
import { isThere, type Wanted } from "./sync_plan.ts";

type BucketView = Extract<PackStoreView, { kind: "s3" }>;

/** How many objects are named. */
const MAX_NAMED = 100;

export function viewOf({ wanted, rows, isLocal, problem, ...rest }: {
  wanted: readonly Wanted[];
  rows: ReadonlyMap<string, BucketObject>;
  isLocal: (path: string) => boolean;
  url: string;
  home: PackHome;
  problem: RackseedError | undefined;
  cacheBytes: number | undefined;
  isSettled: boolean;
}): BucketView {
  const stored = [...rows.values()].filter(isThere);
  const waiting = wanted.filter(({ key }) => !isThere(rows.get(key)));
  const { cacheBytes, ...named } = rest;
  return {
    kind: "s3",
    ...named,
    ...(problem && { problem: `${problem.title}: ${problem.reason}` }),
    ...(cacheBytes !== undefined && { cacheBytes }),
    objects: stored.length,
    objectBytes: sum(stored),
    localBytes: sum(wanted.filter(({ path }) => isLocal(path))),
    waiting: waiting.length,
    waitingBytes: sum(waiting),
    refused: stored.filter(({ state }) => state === "refused").slice(0, MAX_NAMED)
      .map(({ key, reason = "" }) => ({ key, reason })),
    lost: wanted.filter(({ key, path }) => rows.get(key)?.state === "lost" && !isLocal(path))
      .slice(0, MAX_NAMED).map(({ key }) => key),
  };
}

/** By name: what is wrong, or undefined. */
export function noticesOf(
  { url, refused: [refused, ...others], lost: [lost, ...losses] }: BucketView,
  problem: RackseedError | undefined,
): Readonly<Record<string, Notice | undefined>> {
  const subject = `pack store ${url}`;
  return {
    "pack store": problem && {
      subject,
      problem: `${problem.title}: ${problem.reason}`,
      remedy: problem.remedy,
    },
    "pack store removals": refused && {
      subject,
      problem: `it refused to remove ${refused.key}${andMore(others.length)}: ${refused.reason}`,
      remedy: "if object lock keeps it, wait until it ends; it is tried again when the server starts.",
    },
    "pack store losses": lost === undefined ? undefined : {
      subject,
      problem: `it no longer has ${lost}${andMore(losses.length)}, and neither has the local disk`,
      remedy: "check the bucket's lifecycle rules; put the object back, or delete the versions that need it.",
    },
  };
}

function andMore(count: number): string {
  return count > 0 ? ` and ${count} more` : "";
}

function sum(files: readonly { readonly sizeBytes: number }[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
