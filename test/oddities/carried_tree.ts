/** Carries a tree from one real file system to another by capture and installation, without a server. */
import type { DiskLayout } from "#contract/format/layout.ts";
import { decodeManifest, type Manifest } from "#contract/format/manifest.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import type { OwnMount } from "../../agent/layout/mounts/own_mounts.ts";
import { compareTarget } from "../../agent/install/compare/comparison.ts";
import { KeptPaths } from "../../agent/install/compare/kept_paths.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import { Journal } from "../../agent/install/records/journal.ts";
import { verifyTree } from "../../agent/install/extract/verify.ts";
import { runCommand } from "../../agent/sys/command.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { LoopDisk } from "../node/loop_disk.ts";
import { MemoryServer } from "./memory_server.ts";

/** A fresh file system, mounted. */
export async function fileSystem(
  stack: AsyncDisposableStack,
  type: "ext4" | "xfs" | "ramfs",
): Promise<string> {
  const source = type === "ramfs" ? type : await disk(stack, type);
  const at = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(at));
  stack.use(await Mount.at(at, { source, type }));
  return at;
}

async function disk(stack: AsyncDisposableStack, type: "ext4" | "xfs"): Promise<string> {
  const { device } = stack.use(await LoopDisk.make({ sizeBytes: type === "xfs" ? 320 << 20 : 64 << 20 }));
  await runCommand(
    type === "xfs" ? ["mkfs.xfs", "-q", device] : ["mkfs.ext4", "-q", "-O", "encrypt", device],
  );
  return device;
}

/** Runs a bash script in `cwd` and returns its output. */
export const sh = (cwd: string, script: string) =>
  runCommand(["bash", "-euc", `cd "$1"; ${script}`, "bash", cwd]).then(({ stdout }) => stdout);

export class Template {
  readonly server: MemoryServer;
  /** What the last installation could not preserve. */
  notes: readonly string[] = [];
  readonly #scratch: string;

  constructor(scratch: string) {
    this.#scratch = scratch;
    this.server = new MemoryServer(scratch);
  }

  /** What a capture of the tree reports. */
  async capture(
    root: string,
    { mountPoints = [], layout }: { mountPoints?: readonly OwnMount[]; layout?: DiskLayout } = {},
  ): Promise<Manifest> {
    const tree = new TreeSource(root, { excludes: compileExcludes(["/lost+found/"]), mountPoints });
    const { signal } = new AbortController();
    await sendCapture({ api: this.server, capture: "1", tree, layout, excludes: [], signal });
    return decodeManifest(this.server.manifest);
  }

  /** Installs, or restores an existing tree; returns what a dry run would have reported. */
  async install(manifest: Manifest, target: string, { restores = false } = {}): Promise<string> {
    const none = new KeptPaths([]);
    const compared = restores
      ? await compareTarget(target, {
        manifest,
        comparison: { why: "restores", kept: none, own: none, dryRun: false },
        routes: { extentService: false },
        onProgress: () => {},
        signal: new AbortController().signal,
      })
      : undefined;
    using journal = Journal.keep(target, {
      format: "rackseed-journal",
      formatVersion: 1,
      node: "n1",
      image: "test@1",
      manifest: "a".repeat(64),
      plan: "b".repeat(64),
    });
    const frames = Array.from({ length: this.server.frames }, (_, i) => i);
    const { notes } = await installTree({
      manifest,
      key: this.server.key,
      target,
      existing: compared?.found,
      packs: { path: () => this.server.packPath },
      frames: ReadableStream.from(frames),
      workers: 1,
    });
    journal.end();
    this.notes = notes;
    const changed = new Set<string>();
    await verifyTree(manifest, { root: target, privileged: true, changed, plain: [], fromDisk: false });
    return [...compared?.lines ?? [], `${compared?.differences.fetchBytes ?? 0} bytes`].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#scratch, { recursive: true });
  }
}
