/** A node's own data disk, which nothing may write to. */
import type { Check } from "./check.ts";
import { sha256 } from "./check_disks.ts";
import { ownDisk } from "./node_flow.ts";
import type { NodeFacts, Workplace } from "./workplace.ts";

/** Undefined if it has none. */
export async function ownSum(lab: Workplace, node: NodeFacts): Promise<string | undefined> {
  const disk = ownDisk(lab, node);
  return disk === undefined ? undefined : await sha256(disk);
}

/** `before`: what `ownSum` returned. */
export async function checkOwnDisk(
  lab: Workplace,
  { node, before }: { readonly node: NodeFacts; readonly before: string | undefined },
): Promise<Check[]> {
  const after = await ownSum(lab, node);
  return before === undefined ? [] : [{
    what: "its own data disk is unchanged, bit for bit",
    passed: before === after,
    seen: `SHA-256 ${before} before, ${after} after`,
  }];
}
