/**
 * What an order would do to each of its nodes, before it is given. An order that carries the digest of a review is
 * refused if it would no longer do what was reviewed.
 */
import type { DeployRequest, Inventory, RestoreRequest } from "#contract/api.ts";
import type { Review, ReviewedDisk, ReviewedNode, ReviewRequest } from "#contract/api/reviews.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Identity } from "#contract/identity.ts";
import type { Plan } from "#plan/actions.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { InstallRequest } from "../deployment_orders.ts";
import { versionFor } from "../node_architecture.ts";
import { isAsBefore, type PlannedNode, type PlansAhead } from "../plan_previews.ts";
import { present } from "../present.ts";
import { tableIdentity } from "../table_identity.ts";
import { inTurns } from "../turns.ts";
import { differencesOf, hashesOf, RecentReviews, type Reviewed, reviewedOf } from "./review_digest.ts";
import { identityAfter, type ReviewedIdentity } from "./review_identity.ts";
import { ReviewWarnings } from "./review_warnings.ts";
import type { ReviewSources, Subject } from "./review_sources.ts";
import { warnOfNode, warnOfSite } from "./what_speaks_against.ts";

/** A fleet whose nodes change all the time is reviewed at one moment in the end. */
const TRIES_IN_TURNS = 2;

interface Made {
  readonly review: Review;
  readonly reviewed: Reviewed;
}

interface ReviewedPart {
  readonly view: ReviewedNode;
  readonly hashes: ReturnType<typeof hashesOf>;
}

export class Reviews {
  readonly #sources: ReviewSources;
  readonly #recent = new RecentReviews();

  constructor(sources: ReviewSources) {
    this.#sources = sources;
  }

  /** Throws RackseedError: 404 if a node or the image is not known, 409 if the nodes have different images. */
  async make(request: ReviewRequest): Promise<Review> {
    const { review, reviewed } = await this.#make(request);
    this.#recent.add(reviewed);
    return review;
  }

  /**
   * Throws RackseedError (409) that says what changed, if the order would not do what its digest stands for. That it would
   * is true when this returns: nothing else may be waited for before the order is given.
   */
  async confirm(
    { reviewed: digest, passphrase: _, ...order }: DeployRequest | RestoreRequest,
    { kind, ahead }: { kind: ReviewRequest["kind"]; ahead?: PlansAhead },
  ): Promise<void> {
    if (digest === undefined) return;
    const { reviewed } = await this.#make({ ...order, kind } as ReviewRequest, ahead);
    if (reviewed.digest === digest) return;
    const before = this.#recent.get(digest);
    const differences = before ? differencesOf(before, reviewed) : [];
    throw new RackseedError(`cannot order what was reviewed`, {
      reason: differences.length > 0
        ? `since then something changed: ${differences.join("; ")}.`
        : "since then something changed, and the server no longer has that review.",
      remedy: "read the review again, and order it then.",
      status: 409,
    });
  }

  /** In turns; if the nodes change meanwhile, again, and at last without turns. True of their settings and hardware when it returns. */
  async #make(request: ReviewRequest, ahead?: PlansAhead): Promise<Made> {
    for (let tries = 1;; tries++) {
      const subject = this.#subject(request), warnings = new ReviewWarnings();
      const review = this.#reviewer(subject, { warnings, ahead });
      const parts = tries <= TRIES_IN_TURNS ? await inTurns(subject.nodes, review) : review(subject.nodes);
      if (isStill(subject, this.#subject(request))) return this.#whole(parts, { request, subject, warnings });
    }
  }

  /** What reviews a slice of the nodes. */
  #reviewer(
    subject: Subject,
    { warnings, ahead }: { warnings: ReviewWarnings; ahead: PlansAhead | undefined },
  ): (nodes: readonly NodeRecord[]) => ReviewedPart[] {
    const { install: { restore, unlock }, version } = subject;
    const { previews, templates } = this.#sources;
    const online = new Set(templates.list().filter((one) => one.online).map(({ name }) => name));
    return (nodes) => {
      const plans = previews.plans(nodes, { version, unlock, restore, ahead });
      return nodes.map((node, i) => {
        const planned = plans[i] as PlannedNode;
        const recorded = this.#recorded(node, warnings);
        const view = this.#node(node, { subject, planned, recorded });
        const isOnline = online.has(node.name), sources = this.#sources;
        warnOfNode(warnings, { node, view, planned, subject, sources, isOnline });
        return { view, hashes: hashesOf(view) };
      });
    };
  }

  #whole(
    parts: readonly ReviewedPart[],
    { request, subject, warnings }: { request: ReviewRequest; subject: Subject; warnings: ReviewWarnings },
  ): Made {
    const { version, image } = subject, { kind } = request;
    const views = parts.map(({ view }) => view);
    warnOfSite(warnings, { views, subject, sources: this.#sources });
    const nodes = new Map(parts.map(({ view, hashes }) => [view.node, hashes]));
    const reviewed = reviewedOf({ kind, image }, { request, id: version.id, nodes });
    const review = {
      kind,
      image,
      losing: views.filter(({ loses }) => loses !== "none").length,
      warnings: warnings.grouped(),
      nodes: views,
      created: new Date(this.#sources.now()).toISOString(),
      digest: reviewed.digest,
    };
    return { review, reviewed };
  }

  #subject(request: ReviewRequest): Subject {
    const { images, nodes, orders } = this.#sources;
    const distinct = [
      ...new Map(request.nodes.map((key) => nodes.get(key)).map((one) => [one.id, one])).values(),
    ];
    const { kind, ...order } = request;
    const install = kind === "restore" ? orders.installOf(order as RestoreRequest) : order as InstallRequest;
    const version = versionFor(distinct, { ref: install.image, images });
    return { install, version, image: `${version.image}@${version.version}`, nodes: distinct };
  }

  #node(
    node: NodeRecord,
    { subject: { install, version }, planned: { preview, plan }, recorded }: {
      subject: Subject;
      planned: PlannedNode;
      recorded: Identity | undefined;
    },
  ): ReviewedNode {
    const assigned = this.#sources.deployments.assigned(node.id);
    const disks = plan ? plan.disks.map((disk) => reviewedDisk(disk, node.inventory)) : [];
    return {
      node: node.name,
      ...present("image", assigned && `${assigned.image}@${assigned.version}`),
      outcome: preview.outcome,
      loses: lossOf(disks, { plan, restore: install.restore }),
      disks,
      ...present("disksFrom", preview.disksFrom),
      identity: this.#identity(node, { install, version, recorded }),
      ...present("problem", preview.problem),
    };
  }

  #identity(
    node: NodeRecord,
    { install, version, recorded }: Pick<Subject, "install" | "version"> & { recorded: Identity | undefined },
  ): ReviewedIdentity {
    return identityAfter({
      mode: install.identity ?? node.settings.identity ?? "assign",
      recorded,
      assigned: tableIdentity(node),
      isBackup: version.backupOf === node.name,
    });
  }

  /** A record that cannot be read must not hide the rest of the review. */
  #recorded({ id, name }: NodeRecord, warnings: ReviewWarnings): Identity | undefined {
    try {
      return this.#sources.identities.get(id);
    } catch (error) {
      if (!(error instanceof RackseedError)) throw error;
      warnings.add("identity-unreadable", name, {
        level: "warning",
        what: `${error.title}: ${error.reason}`,
        remedy: error.remedy,
      });
      return undefined;
    }
  }
}

/** Whether the same order still means the same version for the same nodes. */
function isStill(before: Subject, now: Subject): boolean {
  return before.version.id === now.version.id && before.nodes.length === now.nodes.length &&
    before.nodes.every((node, i) => isAsBefore(node, now.nodes[i]));
}

function reviewedDisk(
  { facts, because }: Plan["disks"][number],
  inventory: Inventory | undefined,
): ReviewedDisk {
  const { name, byPath, model, serial, sizeBytes, partitions, labels = [] } = facts;
  const content = inventory?.disks.find((disk) => disk.name === name)?.content ?? "";
  return {
    name,
    ...present("byPath", byPath),
    ...present("model", model),
    ...present("serial", serial),
    sizeBytes,
    because: because.slice(0, 400),
    content,
    ...(partitions.length > 0 && { partitions: partitions.map(({ size512 }) => size512 * 512) }),
    ...(labels.length > 0 && { labels: [...labels] }),
  };
}

function lossOf(
  disks: readonly ReviewedDisk[],
  { plan, restore }: { plan: Plan | undefined; restore: InstallRequest["restore"] },
): ReviewedNode["loses"] {
  if (restore?.dryRun) return "none";
  if (restore) return "changes";
  if (!plan) return "unknown";
  return disks.some(({ content, partitions }) => content !== "" || partitions) ? "all" : "none";
}
