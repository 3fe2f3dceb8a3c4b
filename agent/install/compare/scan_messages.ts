/** The messages between scanContents and its workers. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes } from "#contract/format/entry.ts";
import type { TreeMount } from "../../tree/tree_roots.ts";
import type { IndexEntry } from "../records/content_index.ts";

export interface ScanSetup {
  /** The target's descriptor, owned by the main thread. */
  readonly root: number;
  /** File systems in it that are opened by themselves. */
  readonly mounts?: readonly TreeMount[] | undefined;
  /** Whether owners are compared: only root may set them. */
  readonly privileged: boolean;
}

/** A range of a file and the SHA-256 that it should have, as base64url. */
export interface Check {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A file, or a part of a large one. */
export interface ScanPart {
  /** Number of the entry. */
  readonly entry: number;
  readonly path: BytePath;
  /** Size of the whole file. */
  readonly sizeBytes: number;
  /** Number of the first check among the file's extents. */
  readonly first: number;
  readonly checks: readonly Check[];
  /** [start, end) of what should read as zeros. */
  readonly gaps: readonly (readonly [number, number])[];
  readonly attributes: Attributes;
  /** What the index recorded of the file: if it is untouched, its checksum suffices instead of its hashes. */
  readonly indexed: IndexEntry | undefined;
}

export interface PartFound {
  readonly entry: number;
  readonly first: number;
  /** By check: 1 if the bytes are right. */
  readonly right: Uint8Array;
  /** Whether the gaps read as zeros and nothing follows the file's end; the file may still be too short. */
  readonly clean: boolean;
  readonly fullSize: boolean;
  /** Whether owner, mode, time and extended attributes are the entry's. */
  readonly attributesRight: boolean;
  /** Checksum of its right extents. */
  readonly sum: number;
}

export interface ScanReply {
  readonly parts: readonly PartFound[];
  readonly readBytes: number;
}
