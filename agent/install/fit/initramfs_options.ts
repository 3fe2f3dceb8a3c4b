/** What every program that makes an initramfs works with. */
import type { BootFacts } from "#contract/format/boot.ts";
import type { TemplateDisks } from "../../disk_references/template_disks.ts";
import type { Run } from "../../sys/command.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

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

/** The kernels that the clone has modules for, as releases ("6.1.0-13-amd64"). */
export async function kernelReleases(clone: CloneTree): Promise<string[]> {
  const releases: string[] = [];
  for (const folder of ["/lib/modules", "/usr/lib/modules"]) {
    for (const path of await clone.list(folder)) {
      const release = path.slice(path.lastIndexOf("/") + 1);
      if (!releases.includes(release) && await clone.kind(`${path}/modules.dep`) === "file") {
        releases.push(release);
      }
    }
    if (releases.length > 0) break;
  }
  return releases;
}
