/** Parses what LVM reports of its volume groups: lvmreport(7), `lvm fullreport --reportformat json`. Pure. */
import { z } from "zod";

const text = z.string().default("");
/** Sizes are in bytes; a field that does not apply is empty. */
const bytes = text.transform((s) => /^\d+$/.test(s) ? Number(s) : 0);
/** Fields of yes or no hold their own name, a word or 1. */
const flag = text.transform((s) => s !== "" && s !== "0" && s !== "unknown");
const list = text.transform((s) => s === "" ? [] : s.split(","));

const GroupRow = z.object({
  vg_name: z.string(),
  vg_uuid: z.string(),
  vg_extent_size: bytes,
  vg_tags: list,
  vg_systemid: text,
  vg_lock_type: text,
  vg_exported: flag,
  vg_clustered: flag,
  vg_missing_pv_count: bytes,
});
const PhysicalRow = z.object({
  pv_name: z.string(),
  pv_uuid: z.string(),
  pv_size: bytes,
  pe_start: bytes,
  pv_missing: flag,
});
const LogicalRow = z.object({
  /** In brackets if it is a hidden part of another one. */
  lv_name: z.string(),
  lv_uuid: z.string(),
  lv_layout: list,
  lv_role: list,
  lv_size: bytes,
  lv_tags: list,
  pool_lv: text,
  origin: text,
  lv_parent: text,
  lv_metadata_size: bytes,
  lv_dm_path: text,
});
const SegmentRow = z.object({
  lv_uuid: z.string(),
  segtype: text,
  stripes: bytes,
  data_stripes: bytes,
  data_copies: bytes,
  stripe_size: bytes,
  chunk_size: bytes,
  zero: text,
  /** "/dev/sda3(0),/dev/sdb3(25)", "root_rimage_0(0)" */
  devices: text,
});
export type LvmLogical = z.infer<typeof LogicalRow>;
export type LvmSegment = z.infer<typeof SegmentRow>;

const Report = z.object({
  report: z.array(z.object({
    vg: z.array(GroupRow).default([]),
    pv: z.array(PhysicalRow).default([]),
    lv: z.array(LogicalRow).default([]),
    seg: z.array(SegmentRow).default([]),
  })),
});

export interface LvmGroup {
  readonly group: z.infer<typeof GroupRow>;
  readonly physical: readonly z.infer<typeof PhysicalRow>[];
  readonly logical: readonly LvmLogical[];
  readonly segments: readonly LvmSegment[];
}

/**
 * Reads only metadata on disk, takes no lock and repairs nothing (--readonly). `config`: an argument of --config, to
 * see other devices than LVM is set up to use.
 */
export function lvmReport(config?: string): readonly [string, ...string[]] {
  const fields = (row: { shape: object }) => Object.keys(row.shape).join();
  return [
    ...["lvm", "fullreport", "--readonly", "--all", "--foreign", "--shared"] as const,
    ...config === undefined ? [] : ["--config", config],
    ...["--reportformat", "json", "--units", "b", "--nosuffix"],
    ...["--configreport", "vg", "-o", fields(GroupRow)],
    ...["--configreport", "pv", "-o", fields(PhysicalRow)],
    ...["--configreport", "lv", "-o", fields(LogicalRow)],
    ...["--configreport", "seg", "-o", fields(SegmentRow)],
    ...["--configreport", "pvseg", "-o", "pv_name"],
  ];
}

/** Physical volumes without a group are left out. */
export function parseLvmReport(json: string): LvmGroup[] {
  return Report.parse(JSON.parse(json)).report.flatMap(({ vg: [group], pv, lv, seg }) =>
    group === undefined || group.vg_name === "" ? [] : [{ group, physical: pv, logical: lv, segments: seg }]
  );
}
