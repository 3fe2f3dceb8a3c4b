/** What installTree and its workers say to each other. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes } from "#contract/format/entry.ts";
import type { Shortfalls } from "./attributes.ts";
import type { FrameWork, NodeEntry } from "./frame_plan.ts";

export interface WorkerSetup {
  /**
   * The target's descriptor. Descriptors belong to the main thread, as do those of packs: a terminated worker
   * closes nothing, and one left open would keep its file system mounted.
   */
  readonly root: number;
  /** By pack: what opens its frames. */
  readonly keys: readonly Uint8Array[];
  readonly privileged: boolean;
}

export type Job =
  /** `pack`: descriptor of the frame's pack. */
  | { readonly type: "frame"; readonly work: FrameWork; readonly pack: number }
  /** `contents`: by number in the frame, those that the work needs; proved. */
  | {
    readonly type: "loose";
    readonly work: FrameWork;
    readonly contents: readonly (Uint8Array | undefined)[];
  }
  | { readonly type: "nodes"; readonly entries: readonly NodeEntry[] }
  /** Files that stand there but for their attributes. */
  | { readonly type: "attributes"; readonly entries: readonly Attributes[] };

/** How a worker spent its time on a job. */
export interface WorkTimes {
  /** Opening, and the processor's part of writing. */
  readonly busyMs: number;
  /** Waiting for the target's disk. */
  readonly blockedMs: number;
}

export type Reply =
  | {
    readonly type: "done";
    readonly shortfalls: Shortfalls;
    readonly times: WorkTimes;
    /** What was written adds so much to the checksums of these files. */
    readonly sums: readonly (readonly [BytePath, number])[];
  }
  /** The frame is not what the manifest says; nothing of it was written. */
  | { readonly type: "bad-frame"; readonly reason: string }
  /** The target could not be written. `code`: the errno's name where there is one. */
  | { readonly type: "failed"; readonly reason: string; readonly code: string | undefined };
