/** The messages between installTree and its workers. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes } from "#contract/format/entry.ts";
import type { Shortfalls } from "./attributes.ts";
import type { FrameWork, NodeEntry } from "./frame_plan.ts";

export interface WorkerSetup {
  /**
   * The target's descriptor. The main thread owns all descriptors, including those of packs: a terminated worker
   * closes nothing, and a descriptor left open would keep its file system mounted.
   */
  readonly root: number;
  /** By pack: the key of its frames. */
  readonly keys: readonly Uint8Array[];
  readonly privileged: boolean;
}

export type Job =
  /** `pack`: descriptor of the frame's pack. */
  | { readonly type: "frame"; readonly work: FrameWork; readonly pack: number }
  /** `contents`: the extents that the work needs, verified, by number in the frame. */
  | {
    readonly type: "loose";
    readonly work: FrameWork;
    readonly contents: readonly (Uint8Array | undefined)[];
  }
  | { readonly type: "nodes"; readonly entries: readonly NodeEntry[] }
  /** Files in place whose attributes must be corrected. */
  | { readonly type: "attributes"; readonly entries: readonly Attributes[] };

/** How long a job kept its worker busy and blocked. */
export interface WorkTimes {
  /** Decoding the frame, and the CPU time of writing. */
  readonly busyMs: number;
  /** Time spent waiting for the target's disk. */
  readonly blockedMs: number;
}

export type Reply =
  | {
    readonly type: "done";
    readonly shortfalls: Shortfalls;
    readonly times: WorkTimes;
    /** What the written extents add to the checksums of their files. */
    readonly sums: readonly (readonly [BytePath, number])[];
  }
  /** The frame does not match the manifest; nothing of it was written. */
  | { readonly type: "bad-frame"; readonly reason: string }
  /** The target could not be written. `code`: the errno's name, if there is one. */
  | { readonly type: "failed"; readonly reason: string; readonly code: string | undefined };
