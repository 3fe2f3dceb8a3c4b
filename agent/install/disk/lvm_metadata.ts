/** LVM's metadata as text, as vgcfgbackup(8) writes it. Pure. */
import type { PlannedGroup } from "#plan/actions.ts";

/** The metadata area of a physical volume begins in its second page. */
export const METADATA_AT = 4096;

/**
 * The same with the template's ids of the group and its logical volumes; hidden parts of volumes keep theirs.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const text = 'vg0 {\n\tid = "a"\n\tlogical_volumes {\n\t\troot {\n\t\t\tid = "b"\n\t\t}\n\t}\n}\n';
 * const changed = withIds(text, { name: "vg0", uuid: "A", logical: [{ name: "root", uuid: "B" }] });
 * assert.equal(changed, text.replace('"a"', '"A"').replace('"b"', '"B"'));
 * ```
 */
export function withIds(
  text: string,
  { name: group, uuid, logical }: Pick<PlannedGroup, "name" | "uuid"> & {
    readonly logical: readonly Pick<PlannedGroup["logical"][number], "name" | "uuid">[];
  },
): string {
  const ids = new Map([
    [group, uuid],
    ...logical.map(({ name, uuid }) => [`${group}/logical_volumes/${name}`, uuid] as const),
  ]);
  const sections: string[] = [];
  return text.split("\n").map((line) => {
    const opened = /^\s*([^\s="]+) \{/.exec(line)?.[1];
    if (opened !== undefined) sections.push(opened);
    else if (/^\s*\}/.test(line)) sections.pop();
    const id = ids.get(sections.join("/"));
    return id === undefined ? line : line.replace(/^(\s*id = ")[^"]*(".*)$/, `$1${id}$2`);
  }).join("\n");
}
