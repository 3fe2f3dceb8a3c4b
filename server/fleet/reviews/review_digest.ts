/** Whether an order would still do what was reviewed, and if not, what changed. Pure, but for the reviews remembered. */
import { createHash } from "node:crypto";
import type { Review, ReviewedNode, ReviewRequest } from "#contract/api/reviews.ts";

/** Hashes of what was reviewed, by the words for it. Age, warnings and whatever changes by itself are not part of it. */
export interface Reviewed {
  readonly digest: string;
  readonly image: string;
  /** Of the order's own terms. */
  readonly terms: string;
  readonly nodes: ReadonlyMap<string, Readonly<Record<Part, string>>>;
}

type Part = "disks" | "identity" | "plan";
const PARTS = ["disks", "identity", "plan"] as const satisfies readonly Part[];
const WORDS: Readonly<Record<Part, string>> = {
  disks: "its disks, or what is on them",
  identity: "its name or addresses",
  plan: "whether its disks can take the image",
};

export function hashesOf(node: ReviewedNode): Readonly<Record<Part, string>> {
  return {
    disks: shortHash(node.disks.map(({ because: _, ...disk }) => disk)),
    identity: shortHash(node.identity),
    plan: shortHash([node.outcome, node.loses]),
  };
}

/** `nodes`: their hashes, by name. `id`: the version's. */
export function reviewedOf(
  review: Pick<Review, "kind" | "image">,
  { request, id, nodes }: { request: ReviewRequest; id: string; nodes: Reviewed["nodes"] },
): Reviewed {
  const image = `${review.image} ${id}`, terms = shortHash(termsOf(request));
  const digest = createHash("sha256")
    .update(JSON.stringify([review.kind, image, terms, [...nodes].sort(([a], [b]) => a < b ? -1 : 1)]))
    .digest("hex");
  return { digest, image, terms, nodes };
}

/** Without what does not change what happens to a node: the pace, and how long is waited. */
function termsOf(request: ReviewRequest): unknown {
  const { nodes: _, image: __, ...rest } = request;
  const terms: Record<string, unknown> = rest;
  for (const name of ["seed", "firstBootSeconds", "askSeconds", "power", "version"]) delete terms[name];
  const isDefault = (name: string, value: unknown) =>
    value === undefined || value === (name === "planCheck") || (Array.isArray(value) && value.length === 0);
  return Object.entries(terms).filter(([name, value]) => !isDefault(name, value))
    .sort(([a], [b]) => a < b ? -1 : 1);
}

const MAX_NAMED = 10;

/** What differs, one sentence each. */
export function differencesOf(before: Reviewed, now: Reviewed): string[] {
  const names = (image: string) => image.split(" ")[0];
  const found: string[] = [];
  if (before.image !== now.image) {
    found.push(`the image is ${names(now.image)} instead of ${names(before.image)}`);
  }
  if (before.terms !== now.terms) found.push("the order has other terms");
  const gone = [...before.nodes.keys()].filter((name) => !now.nodes.has(name));
  const more = [...now.nodes.keys()].filter((name) => !before.nodes.has(name));
  if (gone.length > 0) found.push(`no longer in the order: ${listed(gone)}`);
  if (more.length > 0) found.push(`not reviewed: ${listed(more)}`);
  for (const part of PARTS) {
    const changed = [...now.nodes].filter(([name, hashes]) => {
      const old = before.nodes.get(name);
      return old !== undefined && old[part] !== hashes[part];
    }).map(([name]) => name);
    if (changed.length > 0) found.push(`${listed(changed)}: ${WORDS[part]} changed`);
  }
  return found;
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return more > 0 ? `${names.slice(0, MAX_NAMED).join(", ")} and ${more} more` : names.join(", ");
}

function shortHash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 16);
}

/** The latest reviews, to say what changed since. */
export class RecentReviews {
  readonly #reviews = new Map<string, Reviewed>();
  readonly #mostNodes: number;

  constructor({ mostNodes = 40_000 }: { mostNodes?: number } = {}) {
    this.#mostNodes = mostNodes;
  }

  add(reviewed: Reviewed): void {
    this.#reviews.delete(reviewed.digest);
    this.#reviews.set(reviewed.digest, reviewed);
    let nodes = this.#reviews.values().reduce((sum, one) => sum + one.nodes.size, 0);
    for (const [digest, one] of this.#reviews) {
      if (nodes <= this.#mostNodes || digest === reviewed.digest) break;
      this.#reviews.delete(digest);
      nodes -= one.nodes.size;
    }
  }

  get(digest: string): Reviewed | undefined {
    return this.#reviews.get(digest);
  }
}
