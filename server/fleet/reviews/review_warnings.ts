/** The warnings of a review, collected node by node and grouped for a person. Pure. */
import { REVIEW_WARNINGS, type ReviewWarning } from "#contract/api/reviews.ts";
import { present } from "../present.ts";

type WarningKind = ReviewWarning["kind"];
type Level = ReviewWarning["level"];
const LEVELS: readonly Level[] = ["refused", "danger", "warning", "note"];

interface Found {
  readonly level: Level;
  readonly what: string;
  readonly remedy?: string | undefined;
}

/**
 * @example One case for all nodes of which the same is true
 * ```ts
 * import assert from "node:assert/strict";
 * import { ReviewWarnings } from "./review_warnings.ts";
 *
 * const warnings = new ReviewWarnings();
 * for (const node of ["n1", "n2"]) warnings.add("in-use", node, { level: "warning", what: "its agent is online" });
 * assert.deepEqual(warnings.grouped(), [{
 *   kind: "in-use",
 *   level: "warning",
 *   cases: [{ what: "its agent is online", nodes: ["n1", "n2"] }],
 * }]);
 * ```
 */
export class ReviewWarnings {
  /** By kind and level, then by text. */
  readonly #groups = new Map<string, { kind: WarningKind; level: Level; cases: Map<string, Case> }>();

  add(kind: WarningKind, nodes: string | readonly string[], { level, what, remedy }: Found): void {
    const key = `${kind} ${level}`;
    const group = this.#groups.get(key) ?? { kind, level, cases: new Map() };
    this.#groups.set(key, group);
    const one = group.cases.get(what) ?? { what, remedy, nodes: new Set() };
    group.cases.set(what, one);
    for (const node of typeof nodes === "string" ? [nodes] : nodes) one.nodes.add(node);
  }

  /** The most serious first; in each, the case with the most nodes first. */
  grouped(): ReviewWarning[] {
    const rank = ({ kind, level }: Pick<ReviewWarning, "kind" | "level">) =>
      LEVELS.indexOf(level) * REVIEW_WARNINGS.length + REVIEW_WARNINGS.indexOf(kind);
    return [...this.#groups.values()].sort((a, b) => rank(a) - rank(b)).map(({ kind, level, cases }) => ({
      kind,
      level,
      cases: [...cases.values()].sort((a, b) => b.nodes.size - a.nodes.size).map((
        { what, remedy, nodes },
      ) => ({
        what: what.slice(0, 2000),
        ...present("remedy", remedy?.slice(0, 1000)),
        nodes: [...nodes],
      })),
    }));
  }
}

interface Case {
  readonly what: string;
  readonly remedy: string | undefined;
  readonly nodes: Set<string>;
}
