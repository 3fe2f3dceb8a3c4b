/** What an operator should know before an order is given: of each node, and of names and addresses at the site. */
import { RackseedError } from "#contract/errors.ts";
import type { ReviewedNode } from "#contract/api/reviews.ts";
import { architectureProblem } from "../node_architecture.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { PlannedNode } from "../plan_previews.ts";
import { tableIdentity } from "../table_identity.ts";
import { clashesOf, type Holder, hostAddress } from "./review_identity.ts";
import type { ReviewWarnings } from "./review_warnings.ts";
import type { ReviewSources, Subject } from "./review_sources.ts";

const DAY_MS = 86_400_000;
/** Disks are changed and filled in this time. */
const OLD_DAYS = 30;
/** A machine of 1 GiB, less what its firmware and kernel keep: the least that an installation is tested with. */
const LEAST_MEMORY_BYTES = 900e6;

interface NodeFacts {
  readonly node: NodeRecord;
  readonly view: ReviewedNode;
  readonly planned: PlannedNode;
  readonly subject: Subject;
  readonly sources: ReviewSources;
  /** Its agent is connected. */
  readonly isOnline: boolean;
}

export function warnOfNode(warnings: ReviewWarnings, facts: NodeFacts): void {
  warnOfOrder(warnings, facts);
  warnOfPlan(warnings, facts);
  warnOfHardware(warnings, facts);
  warnOfUse(warnings, facts);
}

/** What the order itself is refused for. */
function warnOfOrder(
  warnings: ReviewWarnings,
  { node, subject: { install, version, nodes }, sources }: NodeFacts,
): void {
  const { deployments, everyBoots, power, restarts } = sources;
  const active = deployments.active(node.id), { name } = node;
  const cancel = `rackseed node cancel ${name}`;
  if (active && deployments.backupTerms(active.deployment)) {
    const remedy = `wait for it, or cancel it first: ${cancel}`;
    warnings.add("backup-ordered", name, {
      level: "refused",
      what: "a backup is ordered or running",
      remedy,
    });
  } else if (active?.state === "installing") {
    const remedy = `wait, or cancel that first: ${cancel}`;
    warnings.add("busy", name, { level: "refused", what: "it is being installed right now", remedy });
  } else if (active) {
    const what = `this takes the place of its order for ${active.image}@${active.version}`;
    warnings.add("replaces-order", name, { level: "note", what });
  }
  const bound = everyBoots.of(node.id)?.terms;
  if (!install.isEveryBoot && !install.restore?.dryRun && (bound?.image ?? bound?.version) !== undefined) {
    warnings.add("every-boot", name, {
      level: "refused",
      what: "each boot restores another image, which was named",
      remedy: `call that off first: ${cancel}`,
    });
  }
  const { backupOf } = version;
  if (backupOf !== undefined && backupOf !== name) {
    warnings.add("foreign-backup", name, {
      level: install.force ? "danger" : "refused",
      what: `the image is a backup of the node ${backupOf}, and holds that node's identity`,
      remedy: "choose an image; or force it, to let another machine take that node's place",
    });
  }
  if (!version.bootable && nodes.some(({ settings }) => settings.mac !== undefined)) {
    const what = `it cannot boot a machine: ${version.bootNotes.join(" ") || "it has no kernel."}`;
    const remedy = "install what is missing on the template and capture it again";
    warnings.add("cannot-boot", name, { level: "refused", what, remedy });
  }
  const otherKind = architectureProblem(node, version);
  if (otherKind) warnings.add("other-architecture", name, { level: "refused", ...otherKind });
  if (install.power && power.view(node.id) === undefined) {
    warnings.add("cannot-switch", name, {
      level: "refused",
      what: "the server does not know how to switch it on",
      remedy: "rackseed power set, or order it without switching the nodes on",
    });
  }
  if (install.now) {
    const refused = refusalOf(() => restarts.prove([node], version));
    if (refused) {
      warnings.add("cannot-restart", name, {
        level: "refused",
        what: refused.reason,
        remedy: refused.remedy,
      });
    }
  }
}

function warnOfPlan(
  warnings: ReviewWarnings,
  { node, view, planned: { preview, plan }, subject: { install } }: NodeFacts,
): void {
  const { name } = node, { problem, remark, failing = [] } = preview;
  if (problem) {
    warnings.add("plan-refused", name, {
      level: install.planCheck === false ? "danger" : "refused",
      what: problem.detail,
      remedy: problem.remedy,
    });
  }
  for (const what of failing) {
    warnings.add("disk-failing", name, {
      level: install.force ? "danger" : "refused",
      what,
      remedy: "replace the disk, and read the hardware again; or leave the node out",
    });
  }
  if (preview.outcome === "unknown") {
    warnings.add("disks-unknown", name, {
      level: view.loses === "none" ? "note" : "warning",
      what: remark,
      remedy: "read its hardware first: rackseed node discover",
    });
  }
  if (install.restore) return;
  for (const what of plan?.left.notes ?? []) warnings.add("left-alone", name, { level: "note", what });
  for (const what of plan?.notes ?? []) warnings.add("plan-note", name, { level: "note", what });
}

function warnOfHardware(warnings: ReviewWarnings, { node, planned, sources }: NodeFacts): void {
  const { name, inventory } = node, failing = new Set(planned.preview.failing ?? []);
  for (const { kind, what } of sources.history.warnings(node)) {
    if (failing.has(what)) continue;
    if (kind === "disk-failing") warnings.add("disk-failing", name, { level: "warning", what });
    else warnings.add("hardware-changed", name, { level: "warning", what });
  }
  if (inventory?.kind !== "machine") return;
  // agents of some tests and early releases report no memory
  if (inventory.memoryBytes > 1 << 20 && inventory.memoryBytes < LEAST_MEMORY_BYTES) {
    const what = `it has ${
      Math.round(inventory.memoryBytes / 1e6)
    } MB of memory; the installer is made for 1 GiB`;
    warnings.add("memory-small", name, { level: "warning", what });
  }
}

function warnOfUse(
  warnings: ReviewWarnings,
  { node, view, subject: { version, install, image }, sources: { now }, isOnline }: NodeFacts,
): void {
  const { name } = node;
  if (isOnline && view.loses !== "none") {
    warnings.add("in-use", name, { level: "warning", what: "its system runs now: its agent is connected" });
  }
  const [had = "", number] = view.image?.split("@") ?? [];
  if (had === version.image && Number(number) > version.version) {
    warnings.add("older-image", name, {
      level: "warning",
      what: `it has ${view.image}, which is newer than ${image}`,
    });
  }
  const days = view.disksFrom === undefined ? 0 : Math.floor((now() - Date.parse(view.disksFrom)) / DAY_MS);
  if (days >= OLD_DAYS && view.outcome !== "unknown" && !install.restore?.dryRun) {
    const what = "it reported its disks more than 30 days ago; they may hold something else by now";
    warnings.add("disks-old", name, { level: "warning", what });
  }
}

/** Names and addresses, and the image itself. */
export function warnOfSite(
  warnings: ReviewWarnings,
  { views, subject: { image, nodes, install }, sources }: {
    views: readonly ReviewedNode[];
    subject: Subject;
    sources: ReviewSources;
  },
): void {
  const damage = sources.images.damage(image);
  if (damage) {
    const all = nodes.map(({ name }) => name);
    warnings.add("image-damaged", all, {
      level: "refused",
      what: `${damage.title}: ${damage.reason}`,
      remedy: damage.remedy,
    });
  }
  if (install.restore?.dryRun) return;
  const known = sources.nodes.all().filter(({ discovered }) => !discovered);
  const mine = new Set(nodes.map(({ name }) => name));
  const ordered: Holder[] = views.map(({ node, identity }) => ({ node, identity: identity.after }));
  const others = known.filter(({ name }) => !mine.has(name)).map(holderOf);
  for (const { what, nodes: holders } of clashesOf(ordered, others)) {
    warnings.add("clash", holders.filter((name) => mine.has(name)), {
      level: "danger",
      what: `${holders.slice(0, 5).join(" and ")}${
        holders.length > 5 ? " and more" : ""
      } would both have ${what}`,
      remedy: "change the settings of one of them, or leave it out",
    });
  }
  warnOfAddresses(warnings, { ordered, known, sources });
}

function holderOf(node: NodeRecord): Holder {
  const { hostname, interfaces } = tableIdentity(node);
  const addresses = interfaces.flatMap((one) => one.addresses === "dhcp" ? [] : one.addresses);
  return { node: node.name, identity: { hostname, addresses } };
}

function warnOfAddresses(
  warnings: ReviewWarnings,
  { ordered, known, sources: { address: own, dhcpRange } }: {
    ordered: readonly Holder[];
    known: readonly NodeRecord[];
    sources: ReviewSources;
  },
): void {
  const seenAt = new Map(known.flatMap((one) => one.address === undefined ? [] : [[one.address, one.name]]));
  for (const { node, identity } of ordered) {
    for (const address of identity.addresses.map(hostAddress).filter((text) => text !== undefined)) {
      if (address === own) {
        const what = `it would have ${address}, which is this server's own address`;
        warnings.add("clash", node, { level: "danger", what, remedy: "give it another: rackseed node set" });
      }
      const other = seenAt.get(address);
      if (other !== undefined && other !== node) {
        const what = `${address} was last seen at ${other}`;
        warnings.add("address-seen", node, { level: "note", what });
      }
      if (dhcpRange && isWithin(address, dhcpRange)) {
        warnings.add("dhcp-range", node, {
          level: "warning",
          what:
            `its address lies in the DHCP range ${dhcpRange.first} to ${dhcpRange.last}: another machine may hold it`,
          remedy: "give it an address outside, or make the range smaller",
        });
      }
    }
  }
}

function isWithin(address: string, { first, last }: { first: string; last: string }): boolean {
  const number = (text: string) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return !address.includes(":") && number(address) >= number(first) && number(address) <= number(last);
}

function refusalOf(work: () => void): RackseedError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof RackseedError) return error;
    throw error;
  }
}
