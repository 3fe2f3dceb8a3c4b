/** What is on a disk now: read from the disk itself, without caches and without writing anything. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { Run } from "../sys/command.ts";
import { devicePath } from "./disks.ts";
import { parseBlkid } from "./partition_table.ts";

export type DiskContent = Required<Pick<DiskFacts, "content" | "labels" | "signatures">>;

/** Of what a disk may hold, only so much is reported. */
const MAX_FOUND = 256;

export async function probeContent(disk: DiskFacts, run: Run): Promise<DiskContent> {
  const devices = [undefined, ...disk.partitions.map((p) => p.number)].slice(0, MAX_FOUND);
  const found: Signature[] = [];
  const parts: string[] = [];
  let whole = new Map<string, string>() as ReadonlyMap<string, string>;
  for (const number of devices) {
    const path = devicePath(disk.name, number);
    const facts = await blkid(path, run);
    const signatures = await wipefs(path, run);
    found.push(...signatures);
    if (number === undefined) whole = facts;
    else parts.push(describe(facts, signatures) ?? `partition ${number}`);
  }
  const table = whole.get("PTTYPE");
  const content = table ? `${table}: ${parts.join(", ") || "no partitions"}` : describe(whole, found) ?? "";
  return {
    content: content.slice(0, 1000),
    labels: distinct(found.map(({ label }) => label)),
    signatures: distinct(found.map(({ type }) => type.slice(0, 64))),
  };
}

/** Exit status 2: nothing known; 8: several kinds of content at once, which blkid does not tell apart. */
async function blkid(path: string, run: Run): Promise<ReadonlyMap<string, string>> {
  return parseBlkid((await run(["blkid", "-p", "-o", "export", path], { accept: [0, 2, 8] })).stdout);
}

interface Signature {
  readonly type: string;
  readonly label: string;
}

/** wipefs(8) without -a only lists; unlike blkid it lists everything. */
async function wipefs(path: string, run: Run): Promise<Signature[]> {
  return parseWipefs((await run(["wipefs", "--no-act", "--parsable", path], { accept: [0, 1] })).stdout);
}

/**
 * Parses `wipefs --parsable`: lines of OFFSET,UUID,LABEL,TYPE. A label may hold commas; other characters stand as \xHH.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const text = "# offset,uuid,label,type\n0x438,0e66c2d3-4660,my\\x20data,ext4\n";
 * assert.deepEqual(parseWipefs(text), [{ type: "ext4", label: "my data" }]);
 * ```
 */
export function parseWipefs(text: string): Signature[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(",");
    const type = fields.at(-1);
    if (line.startsWith("#") || fields.length < 4 || !type) return [];
    return [{ type, label: decoded(fields.slice(2, -1).join(",")) }];
  });
}

function decoded(label: string): string {
  const bytes = Buffer.from(label).toString("latin1")
    .replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8").slice(0, 255);
}

/** "ext4 'root'", "crypto_LUKS", or all of several: "ext4, zfs_member". */
function describe(facts: ReadonlyMap<string, string>, signatures: readonly Signature[]): string | undefined {
  const type = facts.get("TYPE"), label = facts.get("LABEL");
  if (type) return label ? `${type} '${label}'` : type;
  return distinct(signatures.map((s) => s.type)).join(", ") || undefined;
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text) => text !== ""))].slice(0, MAX_FOUND);
}
