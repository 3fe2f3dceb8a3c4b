/** The steps of an installation in the initramfs, in order; what one finds out the later ones take from `found`. */
import type { HookMoment } from "#contract/hooks.ts";
import type { Identity } from "#contract/identity.ts";
import type { Run } from "../sys/command.ts";
import type { Console } from "../sys/console.ts";
import { syncAll } from "../sys/kernel.ts";
import { bootFolders, bootState } from "./boot_loader/boot_area.ts";
import type { BootArguments } from "../start/boot_arguments.ts";
import { installBootLoader } from "./boot_loader/boot_loader.ts";
import { describeDisk, tokensOf } from "./disk/choose_disk.ts";
import { writeCloneRecord, writeIndex } from "./records/clone_record.ts";
import { type DiskFacts, readDisks } from "../layout/disks.ts";
import { comparisonOf } from "./compare/comparison.ts";
import { walkAhead } from "./compare/walk_ahead.ts";
import type { Enrolled } from "../steps/enrol.ts";
import { identitySteps } from "./identity/identity_steps.ts";
import { prepareFirstBoot } from "./first_boot/prepare.ts";
import { fitToDisk } from "./fit/fit_to_disk.ts";
import { TargetDisk } from "./disk/guard.ts";
import { ImageFetch } from "./fetch/image_fetch.ts";
import type { LogTail } from "../steps/log_tail.ts";
import { hooksAt, runMachineHooks } from "./machine_hooks.ts";
import { Journal } from "./records/journal.ts";
import { MachineRestore, plainMounts } from "./restore/machine_restore.ts";
import type { Started } from "../start/machine_start.ts";
import { checkFileSystems, formatDisk, mountTree, partitionDisk } from "./disk/partition.ts";
import { confirmChoice, type Plan, planInstall, plannedSwapFiles } from "./disk/plan.ts";
import { describePlan, describeRestore } from "./disk/plan_description.ts";
import { rehearse } from "./disk/rehearse.ts";
import type { Reporter } from "../steps/reporter.ts";
import { STATE_PATHS, withoutFolders } from "./restore/restore_scope.ts";
import { findResumption, formatUnsafe, plannedRecord } from "./disk/resume.ts";
import type { StepDefinition, StepProgress } from "../steps/run_steps.ts";
import type { SwarmTerms } from "../steps/swarm_terms.ts";
import { CloneTree } from "../tree/tree_files.ts";
import { syncPeriodically } from "./extract/periodic_sync.ts";

/** Where packs lie that fit into memory. */
const PACKS = "/run/rackseed";

interface MachineOptions {
  /** What the machine's first steps have found out. */
  readonly started: Pick<Started, "boot" | "firmware" | "disks"> & {
    readonly enrolled: Enrolled;
    readonly terms: SwarmTerms;
  };
  /** Where the clone is mounted. */
  readonly clonePath: string;
  /** What must be closed at the end, however it ends. */
  readonly stack: AsyncDisposableStack;
  readonly reporter: Reporter;
  readonly log: Pick<LogTail, "add">;
  readonly console: Console;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** What the steps find out. Each member is there once its step is done. */
interface Found {
  boot: BootArguments;
  enrolled: Enrolled;
  fetch: ImageFetch;
  firmware: "bios" | "uefi";
  disks: readonly DiskFacts[];
  plan: Plan;
  target: TargetDisk;
  resumes: boolean;
  /** Where the disk is to be restored. */
  restore: MachineRestore;
  journal: Journal;
  /** Walks through its file systems meanwhile. */
  ahead: AsyncDisposable;
  mounts: AsyncDisposable;
  packsInMemory: boolean;
  /** Where its clone will report its first boot: under which host name. */
  reportsAs: string;
  clone: CloneTree;
  /** Who the clone is. */
  borne: Identity;
  /** Paths that are the node's own. */
  own: readonly string[];
  /** Files of the image that were changed for its disk. */
  fitted: readonly string[];
}

export function machineSteps(
  { started: { terms, ...started }, clonePath, stack, reporter, console, log, run, signal }: MachineOptions,
): readonly StepDefinition[] {
  const fetch = new ImageFetch({ enrolled: started.enrolled, reporter, terms, signal });
  const known: Partial<Found> = { ...started, fetch };
  const found = <K extends keyof Found>(key: K): Found[K] => {
    const value = known[key];
    if (value === undefined) throw new RangeError(`"${key}" is not known yet`);
    return value as Found[K];
  };
  const dryRun = () => known.restore?.dryRun ?? false;
  const writes = () => !dryRun();
  const restores = () => known.restore?.fits ?? false;
  /** The swarm's part, while the disk is made ready. However that ends, the swarm is left. */
  const begin = ({ manifestOnly }: { manifestOnly: boolean }) =>
    stack.use(fetch).begin({ memory: PACKS, writes: writes(), manifestOnly });
  /** Returns what the clone lacks for its report, in words. */
  const willReport = async (identity: Identity) => {
    const { order } = found("enrolled");
    const prepared = await prepareFirstBoot(found("clone"), { order, identity });
    if (prepared.willReport) known.reportsAs = identity.hostname;
    return prepared.note;
  };
  /** What names disks in the clone's files. Returns what was done, in words. */
  const fit = async (update: StepProgress["update"]) => {
    const plan = found("plan"), { layout } = found("enrolled").header, clone = found("clone");
    const before = known.restore?.fitted ?? [];
    for (const path of before) clone.changed.add(path);
    known.fitted = before;
    if (layout === undefined) return [];
    const { notes, rewritten } = await fitToDisk(clone, {
      layout,
      disk: { name: plan.disk.name, names: plan.disk.names, firmware: found("firmware") },
      swapFiles: plannedSwapFiles(plan),
      run,
      onProgress: (message) => update({ message }),
      signal,
    });
    known.fitted = [...new Set([...before, ...rewritten])];
    return notes;
  };
  /** Without what the running system and the boot loader write, too. */
  const lastingly = (paths: readonly string[]) =>
    withoutFolders(paths, [...STATE_PATHS, ...bootFolders(found("enrolled").header.layout)]);
  const release = async () => {
    found("journal").end();
    await found("mounts")[Symbol.asyncDispose]();
    // those of a restored disk were, before anything was written
    if (restores()) return "unmounted";
    return await checkFileSystems(found("target"), { plan: found("plan"), run, signal });
  };

  const identity = identitySteps({
    clonePath,
    console,
    run,
    signal,
    enrolled: () => found("enrolled"),
    target: () => found("target"),
    clone: () => found("clone"),
    bootMac: () => found("boot").mac ?? "",
  });

  const request = () => {
    const { header, order: { node, disk, installedDisk } } = found("enrolled");
    return { node, header, firmware: found("firmware"), disk, installed: installedDisk };
  };
  /** Nothing is written that the image's own programs are known to refuse. */
  const makeTable = async () => {
    const plan = found("plan");
    await rehearse(plan, { run, signal });
    await partitionDisk(found("target"), { plan, run, signal });
  };
  const isHooked = (when: HookMoment) => hooksAt(when, found("enrolled").order).length > 0;
  const runHooks = (when: HookMoment, options: { progress: StepProgress; root?: string }) => {
    const { order } = found("enrolled"), disk = found("target").device();
    return runMachineHooks(when, {
      order,
      identity: known.borne ?? identity.identity(),
      disk,
      log,
      signal,
      ...options,
    });
  };

  return [
    {
      step: "plan",
      run: () => {
        const { order, header } = found("enrolled");
        const plan = known.plan = planInstall({ ...request(), disks: found("disks") });
        const { restore } = order;
        if (restore) {
          known.restore = new MachineRestore({
            order: { ...order, restore },
            plan,
            layout: header.layout,
            run,
            signal,
          });
        }
        // what is on the disk tells what else is needed
        if (restore) begin({ manifestOnly: true });
        const lines = restore ? describeRestore(plan, restore) : describePlan(plan);
        return Promise.resolve({ message: describeDisk(plan.disk), plan: lines, disk: tokensOf(plan.disk) });
      },
    },
    {
      step: "guard",
      run: async () => {
        // of a disk that came late nothing is read: it may be blank, or not
        confirmChoice(found("plan"), { ...request(), disks: await readDisks() });
        known.target = await TargetDisk.prove(found("plan"));
        return { message: `${found("target").device()} is free and the planned one` };
      },
    },
    ...identity.before,
    {
      step: "pre-install",
      when: () => writes() && isHooked("pre-install"),
      run: (progress) => runHooks("pre-install", { progress }),
    },
    {
      step: "partition",
      run: async () => {
        const plan = found("plan"), target = found("target"), { restore } = known;
        const assessed = await restore?.assess(target);
        if (restore) known.resumes = false;
        if (restore?.fits || dryRun()) return { message: assessed ?? "" };
        if (restore) {
          await makeTable();
          return { message: assessed ?? "" };
        }
        const record = plannedRecord(plan, found("enrolled").order);
        const resumption = await findResumption(target, { plan, record, at: clonePath, run, signal });
        known.resumes = resumption.resumes;
        if (resumption.resumes) {
          return { message: "kept as it is: an installation of this version was broken off here" };
        }
        await makeTable();
        return resumption.because ? { message: `made anew: ${resumption.because}` } : {};
      },
    },
    {
      step: "format",
      when: () => known.restore?.readable ?? true,
      run: async ({ update }) => {
        const plan = found("plan"), target = found("target"), resumes = found("resumes");
        const options = { plan, run, signal, onFormat: (what: string) => update({ message: what }) };
        if (!known.restore) begin({ manifestOnly: resumes });
        const mended = restores() ? await known.restore?.mend(target, options.onFormat) : undefined;
        if (mended !== undefined && !restores()) await makeTable();
        if (!restores()) await (resumes ? formatUnsafe(target, options) : formatDisk(target, options));
        known.clone = new CloneTree(clonePath);
        if (dryRun()) {
          const without = known.restore?.missing ?? [];
          known.mounts = stack.use(await mountTree(target, { plan, at: clonePath, readOnly: true, without }));
          await known.restore?.look(target, found("clone"));
          stack.use(found("fetch"));
          return { message: "mounted to be read only" };
        }
        known.mounts = stack.use(await mountTree(target, { plan, at: clonePath }));
        if (restores()) {
          known.ahead = stack.use(walkAhead(clonePath, { run }));
          await known.restore?.look(target, found("clone"));
        }
        // a record of what has not reached the disk would be worth nothing
        syncAll();
        const journal = Journal.keep(clonePath, plannedRecord(plan, found("enrolled").order));
        known.journal = stack.use(journal);
        // resuming is tried once: where it fails, the next installation makes the disk anew
        if (resumes) stack.defer(() => journal.end());
        // packs may lie on the clone's disk: closed first, since the stack is undone from its end
        stack.use(found("fetch"));
        if (mended !== undefined) return { message: mended };
        return resumes ? { message: "kept but for vfat, which has no journal" } : {};
      },
    },
    {
      step: "torrent",
      when: () => known.restore?.readable ?? true,
      run: async (progress) => {
        await using _ahead = known.ahead;
        const comparison = restores()
          ? known.restore?.comparison()
          : comparisonOf({}, { resumes: found("resumes") });
        const target = { path: clonePath, journal: known.journal, comparison };
        const joined = await found("fetch").join(target, { memory: PACKS, progress });
        known.packsInMemory = joined.inMemory;
        return { ...joined, ...(joined.plan && { plan: [...known.restore?.notes ?? [], ...joined.plan] }) };
      },
    },
    {
      step: "install",
      when: writes,
      run: async (progress) => {
        await using _writing = syncPeriodically();
        return await found("fetch").install(progress);
      },
    },
    {
      step: "identity",
      when: writes,
      run: async ({ update }) => {
        const clone = found("clone");
        const kept = restores() ? await known.restore?.keepIdentity(clone) : undefined;
        const message = kept?.message ?? await identity.apply();
        known.own = kept ? known.restore?.ownPaths ?? [] : [...clone.changed];
        const borne = known.borne = { ...identity.identity(), ...(kept && { hostname: kept.hostname }) };
        const notes = [await willReport(borne), await identity.remember(borne)];
        const fitted = await fit(update);
        return { message: [message, ...notes, ...fitted].filter(Boolean).join(", ") };
      },
    },
    {
      step: "bootloader",
      when: writes,
      run: async () => {
        const { header, order } = found("enrolled");
        const clone = found("clone"), plan = found("plan"), target = found("target");
        const folders = bootFolders(header.layout);
        for (const path of folders) clone.changed.add(path);
        const kept = restores() ? await known.restore?.keepLoader(target) : undefined;
        if (kept !== undefined) {
          await known.restore?.rememberFitted(clone, lastingly(found("fitted")));
          return { message: kept };
        }
        const notes = await installBootLoader(target, {
          plan,
          clone,
          distribution: header.source?.distribution ?? "linux",
          run,
          signal,
        });
        // grub-install wrote to the device itself, which is to be read
        syncAll();
        const boot = await bootState(target, { plan, clone, folders });
        await writeCloneRecord(clone, {
          manifest: order.manifest.id,
          own: found("own"),
          fitted: lastingly(found("fitted")),
          boot,
        });
        return { message: ["installed", ...notes].join("; ") };
      },
    },
    {
      step: "verify",
      when: writes,
      run: async () => {
        const clone = found("clone"), { changed } = clone;
        // it says what is on the disk, so that must be there before it
        syncAll();
        await writeIndex(clone, found("fetch").contentIndex(changed));
        const options = { privileged: true, changed, plain: plainMounts(found("plan")), fromDisk: true };
        const { message = "" } = await found("fetch").verify(options);
        const isLast = found("packsInMemory") && !isHooked("post-install");
        return { message: isLast ? `${message}; ${await release()}` : message };
      },
    },
    {
      // after the verification, which would find what hooks change
      step: "post-install",
      when: () => writes() && isHooked("post-install"),
      run: async (progress) => {
        const outcome = await runHooks("post-install", { progress, root: clonePath });
        if (!found("packsInMemory")) return outcome;
        return { ...outcome, message: `${outcome.message}; ${await release()}` };
      },
    },
    { step: "seed", when: writes, run: (progress) => found("fetch").seed(progress) },
    {
      step: "finish",
      run: async () => {
        if (dryRun()) {
          await known.mounts?.[Symbol.asyncDispose]();
          const plan = known.restore?.readable ? undefined : known.restore?.notes;
          return { message: "a dry run: nothing was changed", ...(plan && { plan }) };
        }
        const { reportsAs } = known;
        if (found("packsInMemory")) return { message: "the clone is ready", reportsAs };
        // the packs lay on the clone's own disk: it could not be let go before
        await found("fetch")[Symbol.asyncDispose]();
        return { message: `the clone is ready; ${await release()}`, reportsAs };
      },
    },
  ];
}
