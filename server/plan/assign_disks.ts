/**
 * Which of a machine's disks becomes which disk of the layout: those the operator named, those it was installed on
 * before, or the only ones that fit. Never a guess. Pure.
 */
import type { InstalledDisk } from "#contract/api.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { RackseedError } from "#contract/errors.ts";
import type { PlannedDisk } from "./actions.ts";
import { describeDisk, describeInstalled, isSameDisk, objections } from "./choose_disk.ts";
import { leftAlone } from "./leave_disks.ts";
import { matchDisks } from "./match_disks.ts";

/** A disk of the layout that is to be written. */
export interface DiskNeed {
  /** In the layout. */
  readonly number: number;
  /** Of disks with the same text, any may take the place of any other. */
  readonly kind: string;
  /** On the template. */
  readonly sizeBytes: number;
  /** The operator's choice: a name below /dev/disk/by-path or by-id. */
  readonly named?: string | undefined;
  /** Only the operator may choose a disk for it. */
  readonly isData: boolean;
  /** Why the layout does not fit a disk; undefined if it does. */
  readonly shortfall: (disk: DiskFacts) => string | undefined;
}

interface AssignOptions {
  readonly node: string;
  /** In the layout's order. */
  readonly needs: readonly DiskNeed[];
  /** The disks of the last installation. If one is gone, a disk that holds something may be one to leave alone. */
  readonly installed?: readonly InstalledDisk[] | undefined;
  /** Patterns of disks that are never written. */
  readonly leave?: readonly string[] | undefined;
  /** Whether the mirror may get fewer disks, if the operator says so. */
  readonly isMirror?: boolean;
}

/** Throws RackseedError if the choice is not forced; the message lists all disks. */
export function assignDisks(disks: readonly DiskFacts[], options: AssignOptions): PlannedDisk[] {
  const machine = candidatesOf(disks, options);
  const chosen: PlannedDisk[] = [];
  for (const need of options.needs) {
    if (need.named !== undefined) chosen.push(namedDisk({ ...need, named: need.named }, { machine, chosen }));
  }
  for (const need of open(options.needs, chosen)) {
    const own = ownDisk(need, { machine, chosen });
    if (own) chosen.push({ number: need.number, facts: own, because: "installed there before" });
  }
  const rest = open(options.needs, chosen);
  if (rest.length > 0) chosen.push(...onlyDisks(rest, { machine, chosen }));
  return chosen.sort((a, b) => a.number - b.number);
}

function open(needs: readonly DiskNeed[], chosen: readonly PlannedDisk[]): DiskNeed[] {
  return needs.filter(({ number }) => !chosen.some((one) => one.number === number));
}

/** A machine's disks, and how messages speak of them. */
interface Machine extends AssignOptions {
  readonly disks: readonly DiskFacts[];
  /** Why nothing may be written to it, whatever the layout. */
  readonly forbidden: (disk: DiskFacts) => readonly string[];
  /** Why a disk cannot become that disk of the layout; empty if it can. */
  readonly against: (disk: DiskFacts, need: DiskNeed) => readonly string[];
  readonly list: (some: readonly DiskFacts[], needs: readonly DiskNeed[]) => string;
  readonly command: (names: readonly (string | undefined)[]) => string;
}

function candidatesOf(disks: readonly DiskFacts[], options: AssignOptions): Machine {
  const forbidden = (disk: DiskFacts) => {
    const left = leftAlone(disk, options.leave ?? []);
    return [...objections(disk), ...left === undefined ? [] : [left]];
  };
  const against = (disk: DiskFacts, need: DiskNeed) => {
    const short = need.shortfall(disk);
    return [...forbidden(disk), ...short === undefined ? [] : [short]];
  };
  const reasons = (disk: DiskFacts, needs: readonly DiskNeed[]) => {
    const all = needs.map((need) => against(disk, need));
    return all.some((one) => one.length === 0) ? "fits" : [...new Set(all[0])].join("; ") || "fits";
  };
  return {
    ...options,
    disks,
    forbidden,
    against,
    list: (some, needs) => some.map((disk) => `${describeDisk(disk)}: ${reasons(disk, needs)}`).join(". "),
    command: (names) =>
      `\`rackseed node set ${options.node} ${names.map((name) => `--disk ${name ?? "…"}`).join(" ")}\``,
  };
}

interface Progress {
  readonly machine: Machine;
  readonly chosen: readonly PlannedDisk[];
}

function isTaken(disk: DiskFacts, chosen: readonly PlannedDisk[]): boolean {
  return chosen.some(({ facts }) => facts === disk);
}

function namedDisk(
  need: DiskNeed & { readonly named: string },
  { machine: { node, disks, against, list, command }, chosen }: Progress,
): PlannedDisk {
  const { named, number } = need;
  const [disk, ...twins] = disks.filter((d) => d.names.includes(named));
  if (disk === undefined) {
    throw new RackseedError(`cannot find the disk ${named} that was named for ${node}`, {
      reason: disks.length > 0 ? `this machine has ${list(disks, [need])}.` : "this machine has no disk.",
      remedy: `name one of these (${
        command([disks[0]?.names[0] ?? "/dev/disk/by-path/…"])
      }) and deploy again.`,
      status: 409,
    });
  }
  if (twins.length > 0) {
    throw new RackseedError(`cannot tell which disk of ${node} is ${named}`, {
      reason: `${twins.length + 1} disks have that name: ${list([disk, ...twins], [need])}.`,
      remedy: "use a name that only one disk has, and deploy again.",
      status: 409,
    });
  }
  if (isTaken(disk, chosen)) {
    throw new RackseedError(`cannot use ${describeDisk(disk)} of ${node} twice`, {
      reason: "it was named for two disks of the layout.",
      remedy: "name another disk for one of them, and deploy again.",
      status: 409,
    });
  }
  const reasons = against(disk, need);
  if (reasons.length === 0) return { number, facts: disk, because: "named by the operator" };
  throw new RackseedError(`cannot install to ${describeDisk(disk)}, which was named for ${node}`, {
    reason: `${reasons.join("; ")}.`,
    remedy: "name another disk, or remove the obstacle, and deploy again.",
    status: 409,
  });
}

/** The disk that this disk of the layout was installed on, if it is there, unmistakable, and still fits. */
function ownDisk(need: DiskNeed, { machine, chosen }: Progress): DiskFacts | undefined {
  const installed = machine.installed?.find(({ layoutDisk }) => layoutDisk === need.number);
  if (installed === undefined || need.isData) return undefined;
  const [own, ...twins] = machine.disks.filter((disk) =>
    // without serial numbers the place has to do, but a serial number known to one side only proves nothing
    isSameDisk(disk, installed) && disk.serial === installed.serial && disk.model === installed.model
  );
  if (own === undefined || twins.length > 0 || isTaken(own, chosen)) return undefined;
  return machine.against(own, need).length === 0 ? own : undefined;
}

function onlyDisks(needs: readonly DiskNeed[], { machine, chosen }: Progress): PlannedDisk[] {
  const { node, disks, against, list, command } = machine;
  const candidates = disks
    .filter((disk) => !isTaken(disk, chosen) && needs.some((need) => against(disk, need).length === 0))
    // by their lasting names, so that a plan that is made twice is the same
    .sort((a, b) => (a.names[0] ?? "") < (b.names[0] ?? "") ? -1 : 1);
  const found = settle(needs, { candidates, against });
  if (found === "none") throw noDisk(needs, { machine, chosen }, candidates);
  if (candidates.length > needs.length || found === "several") {
    throw new RackseedError(`cannot choose between ${candidates.length} disks of ${node}`, {
      reason: `all of these could take the image${
        needs.length > 1 ? `, which needs ${needs.length} disks` : ""
      }: ${list(candidates, needs)}.`,
      remedy: needs.length === 1 && chosen.length === 0
        ? `choose one: ${candidates.map((d) => command([d.names[0]])).join(" or ")}; then deploy again.`
        : `name the disks in the layout's order: ${
          command([...chosen.map(({ facts }) => facts), ...candidates].map((d) => d.names[0]))
        }, as many as are needed; then deploy again.`,
      status: 409,
    });
  }
  const because = disks.length > found.length + chosen.length
    ? found.length > 1 ? "one of the only disks that fit" : "the only disk that fits"
    : disks.length > 1
    ? "the machine has no others"
    : "the only disk";
  const planned = needs.flatMap(({ number }, i): PlannedDisk[] => {
    const facts = candidates[found[i] ?? -1];
    return facts ? [{ number, facts, because }] : [];
  });
  proveExpendable(planned, { machine, chosen });
  return planned;
}

/** If all candidates are needed, and each is as large as one of the template's, that says which is which. */
function settle(
  needs: readonly DiskNeed[],
  { candidates, against }: Pick<Machine, "against"> & { candidates: readonly DiskFacts[] },
): ReturnType<typeof matchDisks> {
  const match = (fits: (disk: DiskFacts, need: DiskNeed) => boolean) =>
    matchDisks(
      needs.map(({ kind }) => kind),
      candidates.map((disk) => needs.map((need) => fits(disk, need))),
    );
  const found = match((disk, need) => against(disk, need).length === 0);
  if (found !== "several" || candidates.length !== needs.length) return found;
  const alike = match((disk, need) => against(disk, need).length === 0 && disk.sizeBytes === need.sizeBytes);
  return alike === "none" ? found : alike;
}

/** Disks that hold something are taken only if no others can be the ones that were meant. */
function proveExpendable(planned: readonly PlannedDisk[], { machine, chosen }: Progress): void {
  const { node, disks, installed = [], list, command, forbidden, needs } = machine;
  const isOwn = ({ facts }: PlannedDisk) => installed.some((one) => isSameDisk(facts, one));
  const strange = planned.filter((one) => !isOwn(one));
  const full = strange.find(({ facts }) => facts.content);
  if (full === undefined) return;
  const all = [...planned, ...chosen];
  const names = all.toSorted((a, b) => a.number - b.number).map(({ facts }) => facts.names[0]);
  const mixed = strange.find(({ facts }) => facts.content !== full.facts.content);
  const rest = disks.filter((disk) => !isTaken(disk, all) && forbidden(disk).length === 0);
  const others = mixed ? [mixed.facts, ...rest] : rest;
  if (others.length > 0) {
    throw new RackseedError(`cannot take ${describeDisk(full.facts)} as the system disk of ${node}`, {
      reason: `what is on it (${full.facts.content}) would be lost, and the disk that was meant may be ` +
        `another: ${list(others, needs)}.`,
      remedy: `to overwrite it: ${command(names)}, and deploy again. Otherwise attach a disk that fits.`,
      status: 409,
    });
  }
  const gone = installed.find((one) => !disks.some((disk) => isSameDisk(disk, one)));
  if (gone) {
    throw new RackseedError(`cannot find the disk that ${node} was installed on`, {
      reason: `that was ${describeInstalled(gone)}; this machine has ${list(disks, needs)}. What is on ` +
        `${describeDisk(full.facts)} (${full.facts.content}) would be lost.`,
      remedy: `attach that disk again; or, to overwrite this one: ${command(names)}, and deploy again.`,
      status: 409,
    });
  }
}

function noDisk(
  needs: readonly DiskNeed[],
  { machine: { node, disks, list, isMirror }, chosen }: Progress,
  candidates: readonly DiskFacts[],
): RackseedError {
  const several = needs.length > 1;
  const [one, more] = chosen.length > 0 ? ["another disk", "more disks"] : ["a disk", "disks"];
  const described = (disk: DiskFacts) =>
    isTaken(disk, chosen) ? `${describeDisk(disk)}: already chosen` : list([disk], needs);
  return new RackseedError(
    `cannot find ${several ? `${needs.length} ${more}` : one} of ${node} to install to`,
    {
      reason: disks.length > 0
        ? `${disks.map(described).join(". ")}.`
        : "the kernel shows no disk: none is attached, or the image's kernel has no driver for its controller.",
      remedy: disks.length === 0
        ? "check the controller's mode in the firmware's setup, and that the template's kernel has its driver."
        : candidates.length + chosen.length > 0 && isMirror
        ? `attach disks that fit; or, to make the mirror with fewer: \`rackseed node set ${node} --mirror N\`; then ` +
          "deploy again."
        : `attach ${several ? "disks that fit" : "a disk that fits"}, and deploy again.`,
      status: 409,
    },
  );
}
