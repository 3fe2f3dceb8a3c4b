/** Plans for nodes before they are armed, from the disks that they last reported. They claim no more than is known. */
import type { NodeRecord } from "../store/node_record.ts";
import type { Deployments } from "../store/deployments.ts";
import type { PlanPreview, Unlock, VersionView } from "#contract/api.ts";
import { disksOfInventory } from "#contract/disk_facts.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Header, parseHeader } from "#contract/format/manifest.ts";
import { describePlan } from "#plan/plan_description.ts";
import { planInstall } from "#plan/plan.ts";
import { shortList } from "../store/nodes.ts";
import type { Encryption } from "./encryption.ts";
import type { Images } from "./ports.ts";
import { present } from "./present.ts";

interface PreviewSources {
  readonly deployments: Pick<Deployments, "installedDisks">;
  readonly images: Pick<Images, "get" | "secrets">;
  readonly encryption: Encryption;
}

export class PlanPreviews {
  readonly #sources: PreviewSources;

  constructor(sources: PreviewSources) {
    this.#sources = sources;
  }

  /** Throws RackseedError (404) if there is no such image. */
  preview(node: NodeRecord, { image, unlock }: { image: string; unlock?: Unlock | undefined }): PlanPreview {
    const version = this.#sources.images.get(image);
    return this.#previews([node], { version, unlock })[0] as PlanPreview;
  }

  /** Previews for all of the nodes. Throws RackseedError (409) if one of them is refused, unless `refuses` is false. */
  prove(
    nodes: readonly NodeRecord[],
    { version, unlock, refuses }: { version: VersionView; unlock?: Unlock | undefined; refuses: boolean },
  ): PlanPreview[] {
    const previews = this.#previews(nodes, { version, unlock });
    const refused = previews.filter(({ outcome }) => outcome === "refused");
    const [first] = refused;
    if (!first || !refuses) return previews;
    throw new RackseedError(`cannot deploy ${first.image} to ${shortList(refused.map(({ node }) => node))}`, {
      reason: refused.slice(0, 3).map(({ node, problem, disksFrom }) =>
        `${refused.length > 1 ? `${node}: ` : ""}${problem?.title}: ${problem?.detail} (${age(disksFrom)})`
      ).join(" "),
      remedy:
        `${first.problem?.remedy} If its disks have changed since, order it all the same with --no-plan-check: ` +
        "the node plans again, and writes nothing if that is refused.",
      status: 409,
    });
  }

  #previews(
    nodes: readonly NodeRecord[],
    { version, unlock }: { version: VersionView; unlock: Unlock | undefined },
  ): PlanPreview[] {
    const image = `${version.image}@${version.version}`;
    const header = parseHeader(this.#sources.images.secrets(image).manifest.header);
    return nodes.map((node) => {
      try {
        this.#sources.encryption.check([node], { version, unlock });
        return this.#plan(node, { header, unlock: unlock ?? node.settings.unlock });
      } catch (error) {
        if (!(error instanceof RackseedError)) throw error;
        return {
          ...base(node, header),
          outcome: "refused",
          problem: error.toProblem(),
          remark: age(node.inventoryAt),
        };
      }
    });
  }

  #plan(node: NodeRecord, { header, unlock }: { header: Header; unlock: Unlock | undefined }): PlanPreview {
    const { inventory, settings } = node;
    const disks = inventory && disksOfInventory(inventory);
    if (!inventory || !disks) return { ...base(node, header), outcome: "unknown", remark: whyUnknown(node) };
    const plan = planInstall({
      node: node.name,
      header,
      firmware: inventory.firmware,
      disks,
      choices: settings,
      installed: this.#sources.deployments.installedDisks(node.id),
      unlock,
    });
    return {
      ...base(node, header),
      outcome: "planned",
      lines: describePlan(plan).map((line) => line.slice(0, 1000)),
      remark: `${
        age(node.inventoryAt)
      }; the node plans again when it boots, and writes nothing if that is refused`,
    };
  }
}

function base(
  { name, inventoryAt }: NodeRecord,
  { image, version }: Header,
): Pick<PlanPreview, "node" | "image" | "disksFrom" | "lines"> {
  return { node: name, image: `${image}@${version}`, ...present("disksFrom", inventoryAt), lines: [] };
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
