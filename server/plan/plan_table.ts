/**
 * Where partitions go on a disk of another size: pure arithmetic. Only one partition changes its size, the last with a
 * file system that can be resized. The partitions behind it move by the same distance, so the free room at the end of
 * the disk stays the same; all others keep place and size.
 */
import type { DiskTable, Partition } from "#contract/format/layout.ts";

export interface PlannedPartition {
  readonly number: number;
  /** In sectors of the target disk. */
  readonly startSector: number;
  readonly sectors: number;
  readonly type: string;
  readonly uuid?: string | undefined;
  readonly name?: string | undefined;
  readonly attributes?: string | undefined;
  readonly bootable?: boolean | undefined;
}

/** A GPT's properties besides its partitions, in sectors of the target disk. */
export interface PlannedGpt {
  readonly entries: number;
  readonly firstUsableSector: number;
  /** Absent if it follows from the disk's size. */
  readonly lastUsableSector?: number | undefined;
  readonly protectiveBoot: boolean;
}

/** A partition that may change its size, and the least it needs. */
export interface Growable {
  readonly number: number;
  readonly minimumBytes: number;
}

export type TablePlan =
  | {
    readonly fits: true;
    readonly partitions: readonly PlannedPartition[];
    readonly grown?: number;
    readonly gpt?: PlannedGpt | undefined;
  }
  | { readonly fits: false; readonly reason: string; readonly neededBytes?: number };

const MIB = 1 << 20;
/** MBR has 32 bits for a sector's number. */
const MBR_SECTORS = 2 ** 32 - 1;

/**
 * @example A larger disk: the root grows, and the swap behind it moves
 * ```ts
 * import assert from "node:assert/strict";
 * import { planTable } from "./plan_table.ts";
 *
 * const GIB = 2 ** 30, sectors = (gib: number) => gib * GIB / 512;
 * const type = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
 * const template = {
 *   name: "vda",
 *   sizeBytes: 10 * GIB,
 *   sectorBytes: 512 as const,
 *   table: "gpt" as const,
 *   partitions: [
 *     { number: 1, startSector: 2048, sectors: sectors(8), type },
 *     { number: 2, startSector: 2048 + sectors(8), sectors: sectors(1), type },
 *   ],
 * };
 * const growable = [{ number: 1, minimumBytes: 2 * GIB }];
 * const plan = planTable(template, { sizeBytes: 15 * GIB, sectorBytes: 512, growable });
 * assert(plan.fits);
 * assert.deepEqual(plan.partitions.map((p) => p.sectors), [sectors(13), sectors(1)]);
 * ```
 */
export function planTable(
  table: DiskTable,
  { sizeBytes, sectorBytes, growable }: {
    sizeBytes: number;
    sectorBytes: number;
    /** In order of preference. */
    growable: readonly Growable[];
  },
): TablePlan {
  const parts = table.partitions.map((source): Part => ({
    source,
    start: source.startSector * table.sectorBytes,
    end: (source.startSector + source.sectors) * table.sectorBytes,
  }));
  const misfit = misfitOf(parts, { table, sectorBytes });
  if (misfit !== undefined) return { fits: false, reason: misfit };
  const lastEnd = Math.max(0, ...parts.map((p) => p.end));
  const spareBytes = spareEnd(table, lastEnd);
  const shape = { entries: table.entries, spareBytes };
  const usable = usableEnd(table.table, { sizeBytes, sectorBytes }, shape);
  const before = usableEnd(table.table, table, shape);
  const shift = usable >= before ? alignDown(usable - before) : Math.min(0, alignDown(usable - lastEnd));
  const chosen = growable.flatMap((g) => {
    const part = parts.find((p) => p.source.number === g.number);
    return part ? [{ ...g, part }] : [];
  })[0];
  const room = chosen ? Math.max(0, alignDown(chosen.part.end - chosen.part.start - chosen.minimumBytes)) : 0;
  if (-shift > room) {
    const neededBytes = lastEnd - room + tailBytes(table.table, { sectorBytes, ...shape }) + MIB;
    return {
      fits: false,
      reason: "the template's partitions do not fit, even with the last one made smaller.",
      neededBytes: Math.ceil(neededBytes / MIB) * MIB,
    };
  }
  // if no file system can be resized, the additional room stays free at the end of a larger disk
  const pivot = chosen && shift !== 0 ? { at: chosen.part.end, by: shift } : { at: Infinity, by: 0 };
  const move = (position: number) => position >= pivot.at ? position + pivot.by : position;
  return {
    fits: true,
    partitions: parts.map(({ source, start, end }) =>
      planned(source, { start: move(start) / sectorBytes, end: move(end) / sectorBytes })
    ),
    ...(chosen && shift !== 0 && { grown: chosen.number }),
    ...(table.table === "gpt" && { gpt: plannedGpt(table, { usable, spareBytes, sectorBytes }) }),
  };
}

/** A partition of the template, in bytes. */
interface Part {
  readonly source: Partition;
  readonly start: number;
  readonly end: number;
}

/** Why a partition cannot keep its place on a disk with sectors of this size; undefined if all can. */
function misfitOf(
  parts: readonly Part[],
  { table, sectorBytes }: { table: DiskTable; sectorBytes: number },
): string | undefined {
  const uneven = parts.find((p) => p.start % sectorBytes !== 0 || p.end % sectorBytes !== 0);
  if (uneven) {
    return `partition ${uneven.source.number} does not begin and end at a multiple of ${sectorBytes} bytes, ` +
      "the size of this disk's sectors.";
  }
  const early = parts.find((p) => p.start < firstUsable(table, sectorBytes));
  return early && `partition ${early.source.number} begins inside the area of this disk's table.`;
}

function planned(source: Partition, { start, end }: { start: number; end: number }): PlannedPartition {
  const { number, type, uuid, name, attributes, bootable } = source;
  return { number, startSector: start, sectors: end - start, type, uuid, name, attributes, bootable };
}

function plannedGpt(
  table: DiskTable,
  { usable, spareBytes, sectorBytes }: { usable: number; spareBytes: number; sectorBytes: number },
): PlannedGpt {
  const least = firstUsable(table, sectorBytes) / sectorBytes;
  const set = Math.ceil((table.firstUsableSector ?? 0) * table.sectorBytes / sectorBytes);
  const firstStart = Math.min(
    ...table.partitions.map((p) => p.startSector * table.sectorBytes / sectorBytes),
  );
  return {
    entries: table.entries ?? USUAL_ENTRIES,
    firstUsableSector: Math.max(least, Math.min(set, firstStart)),
    ...(spareBytes > 0 && { lastUsableSector: Math.floor(usable / sectorBytes) - 1 }),
    protectiveBoot: table.protectiveBoot ?? false,
  };
}

/** Room behind the last sector that partitions may use, if somebody set that sector. */
function spareEnd(table: DiskTable, lastEnd: number): number {
  if (table.table !== "gpt" || table.lastUsableSector === undefined) return 0;
  const set = Math.max((table.lastUsableSector + 1) * table.sectorBytes, lastEnd);
  return Math.max(0, usableEnd("gpt", table, { entries: table.entries }) - set);
}

/** The default number of partition entries in a GPT. */
export const USUAL_ENTRIES = 128;
const ENTRY_BYTES = 128;

interface GptShape {
  readonly entries?: number | undefined;
  readonly spareBytes?: number;
}

/** The entries and the header's sector: at the disk's start (after the MBR) and at its end. */
function gptOverhead(sectorBytes: number, entries = USUAL_ENTRIES): number {
  return (Math.ceil(entries * ENTRY_BYTES / sectorBytes) + 1) * sectorBytes;
}

function firstUsable({ table, entries }: Pick<DiskTable, "table" | "entries">, sectorBytes: number): number {
  return table === "gpt" ? sectorBytes + gptOverhead(sectorBytes, entries) : sectorBytes;
}

function tailBytes(
  table: DiskTable["table"],
  { sectorBytes, entries, spareBytes = 0 }: GptShape & { readonly sectorBytes: number },
): number {
  return table === "gpt" ? gptOverhead(sectorBytes, entries) + spareBytes : 0;
}

/** The first byte behind the usable area. */
export function usableEnd(
  table: DiskTable["table"],
  { sizeBytes, sectorBytes }: { sizeBytes: number; sectorBytes: number },
  shape: GptShape = {},
): number {
  const whole = Math.floor(sizeBytes / sectorBytes) * sectorBytes;
  if (table === "dos") return Math.min(whole, MBR_SECTORS * sectorBytes);
  return whole - tailBytes(table, { sectorBytes, ...shape });
}

function alignDown(bytes: number): number {
  return Math.floor(bytes / MIB) * MIB;
}

/**
 * Input for sfdisk(8). The number before the colon is the partition's own. Names are quoted, and every byte that could
 * end the quotes is written as \xNN.
 */
export function sfdiskScript(
  { table, id, partitions, gpt }: {
    table: "gpt" | "dos";
    id?: string | undefined;
    partitions: readonly PlannedPartition[];
    gpt?: PlannedGpt | undefined;
  },
): string {
  const lines = [`label: ${table}`, "unit: sectors", ...id === undefined ? [] : [`label-id: ${id}`]];
  if (gpt) {
    if (gpt.entries !== USUAL_ENTRIES) lines.push(`table-length: ${gpt.entries}`);
    lines.push(`first-lba: ${gpt.firstUsableSector}`);
    if (gpt.lastUsableSector !== undefined) lines.push(`last-lba: ${gpt.lastUsableSector}`);
  }
  lines.push("");
  for (const p of [...partitions].sort((a, b) => a.number - b.number)) {
    const fields = [`start=${p.startSector}`, `size=${p.sectors}`, `type=${p.type}`];
    if (p.uuid !== undefined && table === "gpt") fields.push(`uuid=${p.uuid}`);
    if (p.name !== undefined && table === "gpt") fields.push(`name="${escape(p.name)}"`);
    if (p.attributes !== undefined && table === "gpt") fields.push(`attrs="${escape(p.attributes)}"`);
    if (p.bootable) fields.push("bootable");
    lines.push(`${p.number} : ${fields.join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
}

function escape(text: string): string {
  // deno-lint-ignore no-control-regex -- a line break would begin another command
  return text.replace(/[\x00-\x1f"\\$`\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
