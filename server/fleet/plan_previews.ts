/** Plans for nodes before they are armed, from the disks that they last reported. They claim no more than is known. */
import type { NodeRecord } from "../store/node_record.ts";
import type { Deployments } from "../store/deployments.ts";
import type { PlanPreview, PlanQuery, Unlock, VersionView } from "#contract/api.ts";
import type { RestoreTerms } from "#contract/api/restore.ts";
import { disksOfInventory } from "#contract/disk_facts.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Header, parseHeader } from "#contract/format/manifest.ts";
import { describePlan, describeRestore } from "#plan/plan_description.ts";
import { picturePlan } from "#plan/plan_picture.ts";
import type { Plan } from "#plan/actions.ts";
import { planInstall } from "#plan/plan.ts";
import { shortList } from "../store/nodes.ts";
import type { BootSigner } from "./boot_signatures.ts";
import type { Encryption } from "./encryption.ts";
import { describeFailing } from "./hardware/hardware_changes.ts";
import type { HardwareHistory } from "./hardware/hardware_history.ts";
import type { HookRegistry } from "./hook_registry.ts";
import { versionFor } from "./node_architecture.ts";
import type { Images } from "./ports.ts";
import { present } from "./present.ts";
import { inTurns } from "./turns.ts";

interface PreviewSources {
  readonly deployments: Pick<Deployments, "installedDisks" | "assigned">;
  readonly images: Pick<Images, "get" | "secrets">;
  readonly encryption: Encryption;
  readonly hooks: Pick<HookRegistry, "ofNode">;
  readonly history: Pick<HardwareHistory, "warnings">;
  /** The key that signs clones' boot programs. */
  readonly signer?: Pick<BootSigner, "certificate" | "requestsMok"> | undefined;
}

interface PreviewTerms {
  readonly version: VersionView;
  readonly unlock: Unlock | undefined;
  readonly restore: Pick<RestoreTerms, "keep" | "dryRun"> | undefined;
  /** With a picture of the disks: not for many nodes at once. */
  readonly isPictured?: boolean;
  readonly ahead?: PlansAhead | undefined;
}

/** `plan`: absent if the disks are not known, or the plan is refused. */
export interface PlannedNode {
  readonly preview: PlanPreview;
  readonly plan?: Plan;
}

/** Plans of one version that hold while a node's settings and hardware are these. */
export interface PlansAhead {
  /** Id of the version. */
  readonly version: string;
  /** By id. */
  readonly nodes: ReadonlyMap<string, { readonly node: NodeRecord; readonly planned: PlannedNode }>;
}

/** Whether the node is as it was, for all that a plan depends on. */
export function isAsBefore(before: NodeRecord, now: NodeRecord | undefined): boolean {
  return before.id === now?.id && before.settings === now.settings && before.inventory === now.inventory;
}

export class PlanPreviews {
  readonly #sources: PreviewSources;

  constructor(sources: PreviewSources) {
    this.#sources = sources;
  }

  /** Throws RackseedError: 404 if there is no such image, 409 if none is named and the node has none. */
  preview(node: NodeRecord, { image, unlock, restore }: PlanQuery): PlanPreview {
    const { images } = this.#sources;
    const version = versionFor([node], { ref: image ?? this.#assignedTo(node), images });
    const terms = { version, unlock, restore: restore && { keep: [], dryRun: false }, isPictured: true };
    return this.#previews([node], terms)[0] as PlanPreview;
  }

  /** Mount points of the template's data disks that the node has no disk for, as far as its disks are known. */
  leftMounts(node: NodeRecord): readonly string[] {
    try {
      const version = this.#sources.images.get(this.#assignedTo(node));
      const header = parseHeader(
        this.#sources.images.secrets(`${version.image}@${version.version}`).manifest.header,
      );
      return this.#planned(node, { header, unlock: undefined, restore: { keep: [], dryRun: true } })?.left
        .mountPoints ?? [];
    } catch (error) {
      // a plan that is refused today was good when the node was installed
      if (error instanceof RackseedError) return [];
      throw error;
    }
  }

  #assignedTo({ id, name }: NodeRecord): string {
    const assigned = this.#sources.deployments.assigned(id);
    if (assigned) return `${assigned.image}@${assigned.version}`;
    throw new RackseedError(`cannot plan for the node ${name}`, {
      reason: "no image is assigned to it: none was installed from here.",
      remedy: "name the image.",
      status: 409,
    });
  }

  /**
   * Previews for all of the nodes. Throws RackseedError (409) if one of them is refused, unless `refuses` is false, or
   * would write to a disk that is failing, unless `force` is true.
   */
  prove(
    nodes: readonly NodeRecord[],
    { refuses, force = false, ...terms }: PreviewTerms & { refuses: boolean; force?: boolean | undefined },
  ): PlanPreview[] {
    const previews = this.#previews(nodes, terms);
    if (!force) refuseFailing(previews, terms);
    const refused = previews.filter(({ outcome }) => outcome === "refused");
    const [first] = refused;
    if (!first || !refuses) return previews;
    throw new RackseedError(titleOf(refused, { image: first.image, restore: terms.restore }), {
      reason: refused.slice(0, 3).map(({ node, problem, disksFrom }) =>
        `${refused.length > 1 ? `${node}: ` : ""}${problem?.title}: ${problem?.detail} (${age(disksFrom)})`
      ).join(" "),
      remedy:
        `${first.problem?.remedy} If its disks have changed since, order it all the same with --no-plan-check: ` +
        "the node plans again, and writes nothing if that is refused.",
      status: 409,
    });
  }

  #previews(nodes: readonly NodeRecord[], terms: PreviewTerms): PlanPreview[] {
    return this.plans(nodes, terms).map(({ preview }) => preview);
  }

  /** As `plans`, made in turns. A hook that is changed meanwhile counts when the node plans, as it does after an order. */
  async ahead(nodes: readonly NodeRecord[], terms: PreviewTerms): Promise<PlansAhead> {
    const made = await inTurns(nodes, (slice) => {
      const plans = this.plans(slice, terms);
      return slice.map((node, i) => [node.id, { node, planned: plans[i] as PlannedNode }] as const);
    });
    return { version: terms.version.id, nodes: new Map(made) };
  }

  /** For each of the nodes; none is refused. */
  plans(nodes: readonly NodeRecord[], terms: PreviewTerms): PlannedNode[] {
    const { version, restore, isPictured } = terms, image = `${version.image}@${version.version}`;
    const header = parseHeader(this.#sources.images.secrets(image).manifest.header);
    const ahead = terms.ahead?.version === version.id ? terms.ahead.nodes : undefined;
    return nodes.map((node) => {
      const known = ahead?.get(node.id);
      if (known && isAsBefore(known.node, node)) return known.planned;
      try {
        this.#sources.encryption.check([node], terms);
        const unlock = this.#sources.encryption.unlockOf(node, terms);
        return this.#plan(node, { header, unlock, restore, isPictured });
      } catch (error) {
        if (!(error instanceof RackseedError)) throw error;
        const problem = error.toProblem();
        const remark = age(node.inventoryAt);
        return { preview: { ...this.#base(node, header), outcome: "refused", problem, remark } };
      }
    });
  }

  #base(
    node: NodeRecord,
    { image, version }: Header,
  ): Pick<PlanPreview, "node" | "image" | "disksFrom" | "lines" | "warnings"> {
    const warnings = this.#sources.history.warnings(node).map(({ what }) => what);
    return {
      node: node.name,
      image: `${image}@${version}`,
      ...present("disksFrom", node.inventoryAt),
      lines: [],
      ...(warnings.length > 0 && { warnings }),
    };
  }

  #plan(
    node: NodeRecord,
    { header, unlock, restore, isPictured = false }: Pick<PreviewTerms, "unlock" | "restore"> & {
      header: Header;
      isPictured: boolean | undefined;
    },
  ): PlannedNode {
    const plan = this.#planned(node, { header, unlock, restore });
    if (!plan) {
      return { preview: { ...this.#base(node, header), outcome: "unknown", remark: whyUnknown(node) } };
    }
    const failing = restore?.dryRun ? [] : failingOf(node, plan);
    const disks = isPictured && node.inventory ? disksOfInventory(node.inventory) : undefined;
    const preview: PlanPreview = {
      ...this.#base(node, header),
      outcome: "planned",
      ...(failing.length > 0 && { failing }),
      ...(disks && { disks: picturePlan(plan, disks) }),
      lines: (restore ? describeRestore(plan, restore) : describePlan(plan)).map((line) =>
        line.slice(0, 1000)
      ),
      remark: `${
        age(node.inventoryAt)
      }; the node plans again when it boots, and writes nothing if that is refused`,
    };
    return { preview, plan };
  }

  /** Undefined if its disks are not known. */
  #planned(
    node: NodeRecord,
    { header, unlock, restore }: Pick<PreviewTerms, "unlock" | "restore"> & { header: Header },
  ): Plan | undefined {
    const { inventory, settings } = node;
    const disks = inventory && disksOfInventory(inventory);
    if (!inventory || !disks) return undefined;
    return planInstall({
      node: node.name,
      header,
      firmware: inventory.firmware,
      disks,
      choices: settings,
      installed: this.#sources.deployments.installedDisks(node.id),
      unlock,
      firstBootHooks: this.#sources.hooks.ofNode(node, header)
        .flatMap(({ when, name }) => when === "first-boot" ? [name] : []),
      ...(restore === undefined && {
        secureStart: {
          trust: inventory.secureBoot,
          signs: this.#sources.signer?.certificate,
          requestsMok: this.#sources.signer?.requestsMok,
        },
      }),
      isDryRun: restore?.dryRun,
    });
  }
}

/** The disks that the plan writes and that expect to fail, in words. */
function failingOf({ inventory }: NodeRecord, plan: Plan): string[] {
  const written = new Set(plan.disks.map(({ facts }) => facts.name));
  return (inventory?.disks ?? [])
    .filter(({ name, health }) => written.has(name) && health?.verdict === "failing")
    .map((disk) => describeFailing(disk).slice(0, 400));
}

/** A disk that expects to fail takes the clone with it, in the middle of the installation or soon after. */
function refuseFailing(previews: readonly PlanPreview[], { restore }: Pick<PreviewTerms, "restore">): void {
  const refused = previews.filter(({ failing }) => failing);
  const [first] = refused;
  if (!first) return;
  throw new RackseedError(titleOf(refused, { image: first.image, restore }), {
    reason: refused.slice(0, 3).map(({ node, failing = [], disksFrom }) =>
      `${node}: ${failing.join("; ")} (${age(disksFrom)}).`
    ).join(" "),
    remedy: "replace the disk, and read the hardware again: rackseed node discover NODE. " +
      "To write to it all the same, give --force.",
    status: 409,
  });
}

function titleOf(
  refused: readonly PlanPreview[],
  { image, restore }: Pick<PreviewTerms, "restore"> & { image: string },
): string {
  const names = shortList(refused.map(({ node }) => node));
  return restore ? `cannot restore ${names} to ${image}` : `cannot deploy ${image} to ${names}`;
}

function age(disksFrom: string | undefined): string {
  return disksFrom === undefined
    ? "by the disks that it reported at an unknown time"
    : `by the disks that it reported on ${disksFrom.slice(0, 16).replace("T", " at ")} UTC`;
}

function whyUnknown({ inventory }: NodeRecord): string {
  const reason = inventory === undefined
    ? "it has never booted from here, so its disks are not known"
    : inventory.kind === "directory"
    ? "it was last installed into a directory, so its disks are not known"
    : "it last booted with an earlier release, which did not report enough about its disks";
  return `${reason}; it plans when it boots, and writes nothing if that is refused`;
}
