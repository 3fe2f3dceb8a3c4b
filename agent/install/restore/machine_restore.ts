/**
 * What is special in a node's steps where its disk is to be restored and not overwritten. Wherever the disk cannot
 * be restored it says why, and the disk is installed anew: but never where something on it was to be kept.
 */
import type { Order } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { Hostname } from "#contract/identity.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import {
  bootFolders,
  bootState,
  judgeLoader,
  type LoaderState,
  putBackArea,
} from "../boot_loader/boot_area.ts";
import {
  type CloneRecord,
  putBack,
  readCloneRecord,
  readIndex,
  soundFitted,
  writeFitted,
} from "../records/clone_record.ts";
import type { ContentIndex } from "../records/content_index.ts";
import type { Comparison } from "../compare/comparison.ts";
import type { TargetDisk } from "../disk/guard.ts";
import type { CarryOut } from "../disk/partition.ts";
import { type Plan, plannedSwapFiles } from "../disk/plan.ts";
import type { Formatting } from "../disk/plan_format.ts";
import {
  assessDisk,
  describeRepairs,
  type DiskState,
  inTheirPlaces,
  keptOnThem,
  mendDisk,
  unsoundFileSystems,
} from "./restore_disk.ts";
import { retuneDisk } from "../disk/retune.ts";
import { machineComparison, ownPaths, STATE_PATHS } from "./restore_scope.ts";
import { unusableSwapFiles } from "../fit/swap_files.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

interface RestoreOptions extends CarryOut {
  readonly order: Pick<Order, "manifest" | "node"> & Partial<Pick<Order, "identity">> & {
    readonly restore: NonNullable<Order["restore"]>;
  };
  readonly plan: Plan;
  readonly layout: DiskLayout | undefined;
}

export class MachineRestore {
  readonly dryRun: boolean;
  readonly #options: RestoreOptions;
  #state: DiskState = { fits: false, because: "it was not looked at" };
  #record: CloneRecord | undefined;
  #fitted: readonly string[] = [];
  #loader: LoaderState = { state: "unknown", because: "it was not looked at" };
  #index: ContentIndex | undefined;
  /** A file system was or would be repaired: what it says of its files is not taken for true. */
  #isDoubtful = false;
  readonly #notes: string[] = [];

  constructor(options: RestoreOptions) {
    this.#options = options;
    this.dryRun = options.order.restore.dryRun;
  }

  /** Whether the disk's layout is the plan's, so that it is restored; else it is installed anew. */
  get fits(): boolean {
    return this.#state.fits;
  }

  /** Whether its file systems can be looked at: a dry run does not mend what hides them. */
  get readable(): boolean {
    return this.#state.fits && !(this.dryRun && this.#state.tableLost);
  }

  /** File systems that are not there. */
  get missing() {
    return this.#state.fits ? this.#state.missing : [];
  }

  /** Looks at table and file systems; writes nothing. Throws RackseedError where it may not be installed anew. */
  async assess(target: TargetDisk): Promise<string> {
    const state = this.#state = await assessDisk(target, this.#options);
    if (!state.fits) {
      if (this.dryRun) {
        this.#notes.push(`overwrite the whole disk: ${state.because}`);
        return `a full install would be needed: ${state.because}`;
      }
      return this.#giveUp(state.because);
    }
    const { keep } = this.#options.order.restore;
    const others = keep.length === 0 ? [] : await inTheirPlaces(target, { ...this.#options, ...state });
    const lost = keptOnThem(state.missing, keep) ?? (others.length === 0 ? undefined : others.join("; "));
    if (lost !== undefined && !this.dryRun) return this.#giveUp(lost);
    const unsound = this.dryRun && !state.tableLost
      ? await unsoundFileSystems(target, { ...this.#options, state })
      : [];
    this.#isDoubtful = unsound.length > 0;
    const untuned = this.dryRun && !state.tableLost ? await this.#retune(target, state.missing) : [];
    const found = [
      ...lost === undefined
        ? describeRepairs(state)
        : [`it would be refused, for what is to be kept: ${lost}`],
      ...unsound,
      ...untuned,
    ];
    this.#notes.push(...found);
    if (this.dryRun && state.tableLost) this.#notes.push("what differs in the files can be seen only then");
    return found.length === 0 ? "the disk's layout is the planned one" : found.join("; ");
  }

  /** Returns what was done. Where nothing can be mended the disk does not fit any more, and is installed anew. */
  async mend(target: TargetDisk, onFormat: (what: string) => void): Promise<string> {
    const state = this.#state;
    if (!state.fits || this.dryRun) return "";
    try {
      const { keep } = this.#options.order.restore;
      const done = await mendDisk(target, { ...this.#options, state, onFormat, keep });
      this.#isDoubtful = done.length > describeRepairs(state).length;
      done.push(...await this.#retune(target, []));
      return done.length === 0 ? "all file systems are sound" : done.join("; ");
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      const because = messageOf(error);
      this.#state = { fits: false, because };
      return this.#giveUp(because);
    }
  }

  async #retune(target: TargetDisk, without: readonly Formatting[]): Promise<string[]> {
    return await retuneDisk(target, { ...this.#options, without, dryRun: this.dryRun });
  }

  #giveUp(because: string): string {
    const { keep } = this.#options.order.restore;
    if (keep.length === 0) return `cannot be restored, so it is installed anew: ${because}`;
    throw new RackseedError(`cannot restore the disk of ${this.#options.order.node}`, {
      reason: `${because}; to install it anew would lose what is to be kept (${keep.join(", ")}).`,
      remedy: `save that first, then overwrite the disk: rackseed node deploy ${this.#options.order.node}`,
      status: 409,
    });
  }

  /** With the file systems mounted: what is the node's own, and whether its boot loader is as it was installed. */
  async look(target: TargetDisk, clone: CloneTree): Promise<void> {
    const { plan, order, layout } = this.#options;
    const record = this.#record = await readCloneRecord(clone);
    this.#fitted = await soundFitted(clone, { record, manifest: order.manifest.id });
    const known = this.#trustsIndex ? record?.boot : undefined;
    const now = await bootState(target, { plan, clone, folders: bootFolders(layout), known });
    const loader = this.#loader = judgeLoader(now, { record, manifest: order.manifest.id });
    if (loader.state !== "sound") {
      const verb = loader.state === "lost" ? "put the boot loader back" : "install the boot loader again";
      this.#notes.push(`${verb}: ${loader.because}`);
    }
    for (const { path } of await unusableSwapFiles(clone, plannedSwapFiles(plan))) {
      this.#notes.push(`make the swap file ${path} again`);
    }
    if (order.restore.check !== "content") this.#index = await readIndex(clone, order.manifest.id);
  }

  comparison(): Comparison | undefined {
    const { plan, order, layout } = this.#options;
    return machineComparison(order, {
      record: this.#record,
      index: this.#index,
      fitted: this.#fitted,
      plain: plainMounts(plan),
      trustsIndex: this.#trustsIndex,
      soundLoader: this.#loader.state === "unknown" ? [] : bootFolders(layout),
    });
  }

  /** Whether what nobody has touched is taken for what it was. */
  get #trustsIndex(): boolean {
    return !this.#isDoubtful && this.#options.order.restore.check !== "content";
  }

  /** What beside the files would change, or was changed, in words. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** Returns what was done; undefined where the loader is to be installed. */
  async keepLoader(target: TargetDisk): Promise<string | undefined> {
    const area = this.#record?.boot?.area;
    if (this.#loader.state === "sound") return "as it was installed";
    if (this.#loader.state === "unknown" || area === undefined) return undefined;
    await putBackArea(target, { plan: this.#options.plan, area });
    return `put back: ${this.#loader.because}`;
  }

  /** Files of the image that were fitted to this disk, and are left alone. */
  get fitted(): readonly string[] {
    return this.#fitted;
  }

  /** Keeps in mind what was fitted to this disk now, where the loader stays and with it the rest of the record. */
  async rememberFitted(clone: CloneTree, fitted: readonly string[]): Promise<void> {
    if (this.#record) await writeFitted(clone, { record: this.#record, fitted });
  }

  /** Undefined where so little of the identity is left that it must be given anew. */
  async keepIdentity(clone: CloneTree): Promise<{ hostname: string; message: string } | undefined> {
    const made = this.#record ? await putBack(clone, this.#record) : [];
    const hostname = Hostname.safeParse((await clone.text("/etc/hostname"))?.trim()).data;
    if (hostname === undefined || await clone.kind("/etc/machine-id") === undefined) return undefined;
    const { keep } = this.#options.order.restore;
    for (const path of [...this.ownPaths, ...keep, ...STATE_PATHS]) {
      clone.changed.add(path.replace(/\/+$/, ""));
    }
    const message = [`kept: ${hostname}`, ...made.length > 0 ? [`put back: ${made.join(", ")}`] : []].join(
      "; ",
    );
    return { hostname, message };
  }

  get ownPaths(): string[] {
    return ownPaths(this.#record);
  }
}

/** Where no owners, modes and exact times can be held. */
export function plainMounts({ actions }: Plan): string[] {
  return actions.flatMap((a) => a.do === "mount" && a.type === "vfat" ? [a.mountPoint] : []);
}
