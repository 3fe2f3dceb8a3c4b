/**
 * Where partitions go on a disk of another size: pure arithmetic. Everything keeps its place and size but one
 * partition, the last that carries a file system which can be made in another size; what lies behind it moves
 * by the same distance, so that free room at the end stays as much as it was.
 */
import type { DiskTable, Partition } from "#contract/layout.ts";

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

/** A partition that may change its size, and the least that it needs. */
export interface Growable {
  readonly number: number;
  readonly minimumBytes: number;
}

export type TablePlan =
  | { readonly fits: true; readonly partitions: readonly PlannedPartition[]; readonly grown?: number }
  | { readonly fits: false; readonly reason: string; readonly neededBytes?: number };

const MIB = 1 << 20;
/** MBR has 32 bits for a sector's number. */
const MBR_SECTORS = 2 ** 32 - 1;

export function planTable(
  table: DiskTable,
  { sizeBytes, sectorBytes, growable }: {
    sizeBytes: number;
    sectorBytes: number;
    /** In order of preference. */
    growable: readonly Growable[];
  },
): TablePlan {
  const parts = table.partitions.map((p) => ({
    source: p,
    start: p.startSector * table.sectorBytes,
    end: (p.startSector + p.sectors) * table.sectorBytes,
  }));
  const misplaced = parts.find((p) => p.start % sectorBytes !== 0 || p.end % sectorBytes !== 0);
  if (misplaced) {
    return {
      fits: false,
      reason: `partition ${misplaced.source.number} does not begin and end at a multiple of ` +
        `${sectorBytes} bytes, as sectors of this disk would need.`,
    };
  }
  const lastEnd = Math.max(0, ...parts.map((p) => p.end));
  const usable = usableEnd(table.table, { sizeBytes, sectorBytes });
  const before = usableEnd(table.table, table);
  const shift = usable >= before ? alignDown(usable - before) : Math.min(0, alignDown(usable - lastEnd));
  const early = parts.find((p) => p.start < firstUsable(table.table, sectorBytes));
  if (early) {
    return {
      fits: false,
      reason: `partition ${early.source.number} begins where this disk's table lies.`,
    };
  }
  const chosen = growable.flatMap((g) => {
    const part = parts.find((p) => p.source.number === g.number);
    return part ? [{ ...g, part }] : [];
  })[0];
  if (shift < 0) {
    const room = chosen ? alignDown(chosen.part.end - chosen.part.start - chosen.minimumBytes) : 0;
    if (-shift > Math.max(0, room)) {
      const neededBytes = lastEnd - Math.max(0, room) + tailBytes(table.table, sectorBytes) + MIB;
      return {
        fits: false,
        reason: "the template's partitions do not fit, even with the last one made smaller.",
        neededBytes: Math.ceil(neededBytes / MIB) * MIB,
      };
    }
  }
  // without a file system that can change, a larger disk keeps the room at its end
  const pivot = chosen && shift !== 0 ? { at: chosen.part.end, by: shift } : { at: Infinity, by: 0 };
  const move = (position: number) => position >= pivot.at ? position + pivot.by : position;
  return {
    fits: true,
    partitions: parts.map(({ source, start, end }) =>
      planned(source, { start: move(start) / sectorBytes, end: move(end) / sectorBytes })
    ),
    ...(chosen && shift !== 0 && { grown: chosen.number }),
  };
}

function planned(source: Partition, { start, end }: { start: number; end: number }): PlannedPartition {
  const { number, type, uuid, name, attributes, bootable } = source;
  return { number, startSector: start, sectors: end - start, type, uuid, name, attributes, bootable };
}

/** 128 entries of 128 bytes, and the header's sector: at the disk's start (after the MBR) and at its end. */
function gptOverhead(sectorBytes: number): number {
  return 128 * 128 + sectorBytes;
}

function firstUsable(table: DiskTable["table"], sectorBytes: number): number {
  return table === "gpt" ? sectorBytes + gptOverhead(sectorBytes) : sectorBytes;
}

function tailBytes(table: DiskTable["table"], sectorBytes: number): number {
  return table === "gpt" ? gptOverhead(sectorBytes) : 0;
}

/** First byte that no partition may use. */
export function usableEnd(
  table: DiskTable["table"],
  { sizeBytes, sectorBytes }: { sizeBytes: number; sectorBytes: number },
): number {
  const whole = Math.floor(sizeBytes / sectorBytes) * sectorBytes;
  if (table === "dos") return Math.min(whole, MBR_SECTORS * sectorBytes);
  return whole - tailBytes(table, sectorBytes);
}

function alignDown(bytes: number): number {
  return Math.floor(bytes / MIB) * MIB;
}

/**
 * Input of sfdisk(8). Numbers before the colon are the partitions' own; names are quoted, with every byte that
 * could end the quotes written as \xNN.
 */
export function sfdiskScript(
  { table, id, sectorBytes, partitions }: {
    table: "gpt" | "dos";
    id?: string | undefined;
    sectorBytes: number;
    partitions: readonly PlannedPartition[];
  },
): string {
  const lines = [`label: ${table}`, "unit: sectors", ...id === undefined ? [] : [`label-id: ${id}`]];
  if (table === "gpt") lines.push(`first-lba: ${firstUsable(table, sectorBytes) / sectorBytes}`);
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
