/** What every program that makes an initramfs works with. */
import type { BootFacts } from "#contract/format/boot.ts";
import type { TemplateDisks } from "../../disk_references/template_disks.ts";
import type { Run } from "../../sys/command.ts";

export interface InitramfsOptions {
  readonly facts: BootFacts;
  readonly disks: TemplateDisks;
  /** Modules that this machine's disks need. */
  readonly drivers: readonly string[];
  readonly run: Run;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((words: string) => void) | undefined;
}

/** A slow disk and several kernels. */
export const TIMEOUT_MS = 15 * 60_000;
