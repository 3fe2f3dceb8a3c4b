/** A node's own clone, mounted to be restored: what of it is the node's own, and whether its boot loader is sound. */
import { Hostname } from "#contract/identity.ts";
import {
  bootFolders,
  bootState,
  judgeLoader,
  type LoaderState,
  putBackArea,
} from "../boot_loader/boot_area.ts";
import type { Comparison } from "../compare/comparison.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { plainMounts, plannedSwapFiles } from "#plan/actions.ts";
import { unusableSwapFiles } from "../fit/swap_files.ts";
import {
  type CloneRecord,
  putBack,
  readCloneRecord,
  readIndex,
  soundFitted,
  writeFitted,
} from "../records/clone_record.ts";
import type { ContentIndex } from "../records/content_index.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { leftPaths } from "./left_paths.ts";
import type { RestoreRequest } from "./judge_disk.ts";
import { machineComparison, ownPaths, STATE_PATHS } from "./restore_scope.ts";

interface CloneFacts {
  readonly record: CloneRecord | undefined;
  /** Files of the image that were fitted to this disk, and are left alone. */
  readonly fitted: readonly string[];
  readonly loader: LoaderState;
  readonly index: ContentIndex | undefined;
  /** Whether files that nobody has touched are taken for unchanged. */
  readonly trustsIndex: boolean;
  /** What will change besides the files, as text. */
  readonly notes: readonly string[];
}

export class ExistingClone {
  readonly #clone: CloneTree;
  readonly #request: RestoreRequest;
  readonly #facts: CloneFacts;

  private constructor(clone: CloneTree, options: { request: RestoreRequest; facts: CloneFacts }) {
    this.#clone = clone;
    this.#request = options.request;
    this.#facts = options.facts;
  }

  /** Writes nothing. `isDoubtful`: a file system was or would be repaired, so what it says is not trusted. */
  static async inspect(
    clone: CloneTree,
    { target, request, isDoubtful }: {
      target: TargetDisks;
      request: RestoreRequest;
      isDoubtful: boolean;
    },
  ): Promise<ExistingClone> {
    const { plan, order: { manifest, restore }, layout } = request;
    const trustsIndex = !isDoubtful && restore.check !== "content";
    const record = await readCloneRecord(clone);
    const fitted = await soundFitted(clone, { record, manifest: manifest.id });
    const known = trustsIndex ? record?.boot : undefined;
    const now = await bootState(target, { plan, clone, folders: bootFolders(layout), known });
    const loader = judgeLoader(now, { record, manifest: manifest.id });
    const swapFiles = await unusableSwapFiles(clone, plannedSwapFiles(plan));
    const index = restore.check === "content" ? undefined : await readIndex(clone, manifest.id);
    const notes = [
      ...describeLoader(loader),
      ...swapFiles.map(({ path }) => `make the swap file ${path} again`),
    ];
    return new ExistingClone(clone, {
      request,
      facts: { record, fitted, loader, index, trustsIndex, notes },
    });
  }

  get notes(): readonly string[] {
    return this.#facts.notes;
  }

  get fitted(): readonly string[] {
    return this.#facts.fitted;
  }

  get ownPaths(): string[] {
    return ownPaths(this.#facts.record);
  }

  comparison(): Comparison | undefined {
    const { plan, order, layout } = this.#request, { loader, ...facts } = this.#facts;
    return machineComparison(order, {
      ...facts,
      plain: plainMounts(plan),
      left: leftPaths(plan),
      soundLoader: loader.state === "unknown" ? [] : bootFolders(layout),
    });
  }

  /** Returns what was done; undefined if so little of the identity is left that the clone needs a new one. */
  async keepIdentity(): Promise<{ hostname: string; message: string } | undefined> {
    const clone = this.#clone, { record } = this.#facts;
    const made = record ? await putBack(clone, record) : [];
    const hostname = Hostname.safeParse((await clone.text("/etc/hostname"))?.trim()).data;
    if (hostname === undefined || await clone.kind("/etc/machine-id") === undefined) return undefined;
    const { keep } = this.#request.order.restore;
    for (const path of [...this.ownPaths, ...keep, ...STATE_PATHS]) {
      clone.changed.add(path.replace(/\/+$/, ""));
    }
    const restored = made.length > 0 ? [`put back: ${made.join(", ")}`] : [];
    return { hostname, message: [`kept: ${hostname}`, ...restored].join("; ") };
  }

  /** Returns what was done; undefined if the loader must be installed. */
  async keepLoader(target: TargetDisks): Promise<string | undefined> {
    const { loader, record } = this.#facts;
    const area = record?.boot?.area;
    if (loader.state === "sound") return "as it was installed";
    if (loader.state === "unknown" || area === undefined) return undefined;
    await putBackArea(target, { plan: this.#request.plan, area });
    return `put back: ${loader.because}`;
  }

  /** Notes what is fitted to this disk now. The rest of the record stays, since the loader does. */
  async recordFitted(fitted: readonly string[]): Promise<void> {
    const { record } = this.#facts;
    if (record) await writeFitted(this.#clone, { record, fitted });
  }
}

function describeLoader(loader: LoaderState): string[] {
  if (loader.state === "sound") return [];
  const verb = loader.state === "lost" ? "put the boot loader back" : "install the boot loader again";
  return [`${verb}: ${loader.because}`];
}
