/** What an order's form says, and the order that it stands for. Pure. */
import type { DeployRequest, ImageView, RestoreRequest } from "#contract/api.ts";
import type { ReviewRequest } from "#contract/api/reviews.ts";
import { parseSeedPolicy } from "../../../../words/seed_text.ts";

export type Kind = ReviewRequest["kind"];
/** "boot": when it next boots from the network; "agent": its agent restarts it; "power": the server switches it on. */
export type Start = "boot" | "agent" | "power";
export type RestoreHow = "dry-run" | "now" | "every-boot";

/** As the controls hold them; "" stands for what the server chooses. */
export interface Terms {
  readonly image: string;
  readonly start: Start;
  readonly atOnce: string;
  readonly identity: string;
  readonly askMinutes: string;
  readonly unlock: string;
  readonly finish: string;
  readonly seed: string;
  readonly how: RestoreHow;
  readonly keep: string;
  readonly checkContent: boolean;
  readonly force: boolean;
  readonly evenRefused: boolean;
}

export const NO_TERMS: Terms = {
  image: "",
  start: "boot",
  atOnce: "8",
  identity: "",
  askMinutes: "5",
  unlock: "",
  finish: "",
  seed: "",
  // what would change is looked at first
  how: "dry-run",
  keep: "",
  checkContent: false,
  force: false,
  evenRefused: false,
};

export type OrderBody = Omit<DeployRequest, "reviewed"> | Omit<RestoreRequest, "reviewed">;

/** Throws RangeError if the seeding policy is none. */
export function orderOf(kind: Kind, nodes: readonly string[], terms: Terms): OrderBody {
  const common = {
    nodes: [...nodes],
    ...terms.image !== "" && { image: terms.image },
    ...terms.start === "agent" && { now: true },
    ...terms.finish !== "" && { finish: terms.finish as "reboot" | "kexec" },
    ...terms.force && { force: true },
    ...terms.evenRefused && { planCheck: false },
  };
  if (kind === "restore") {
    const keep = terms.keep.split(/\s*\n\s*|\s+/).filter((path) => path !== "");
    return {
      ...common,
      ...terms.how === "dry-run" && { dryRun: true },
      ...terms.how === "every-boot" && { everyBoot: true },
      ...keep.length > 0 && { keep },
      ...terms.checkContent && { check: "content" as const },
    };
  }
  return {
    ...common,
    image: terms.image,
    ...terms.start === "power" && {
      power: { atOnce: Number(terms.atOnce), pauseSeconds: 2, arriveSeconds: 900 },
    },
    ...terms.identity !== "" && { identity: terms.identity as "keep" | "assign" | "ask" },
    ...terms.identity === "ask" && { askSeconds: Math.round(Number(terms.askMinutes) * 60) },
    ...terms.unlock !== "" && { unlock: terms.unlock as "passphrase" | "key-file" | "tpm2" },
    ...terms.seed !== "" && { seed: parseSeedPolicy(terms.seed) },
  };
}

/** The command that orders the same. `nodes`: as ranges. */
export function commandOf(kind: Kind, nodes: readonly string[], terms: Terms): string[] {
  const option = (name: string, value: string) => value === "" ? [] : [`--${name}`, value];
  const flag = (name: string, isOn: boolean) => isOn ? [`--${name}`] : [];
  const common = [
    ...option("image", terms.image),
    ...flag("now", terms.start === "agent"),
    ...option("finish", terms.finish),
    ...flag("force", terms.force),
    ...flag("no-plan-check", terms.evenRefused),
  ];
  if (kind === "restore") {
    const keep = terms.keep.split(/\s+/).filter((path) => path !== "");
    return [
      ...["rackseed", "node", "restore", ...nodes, ...common],
      ...keep.length > 0 ? ["--keep", ...keep] : [],
      ...flag("dry-run", terms.how === "dry-run"),
      ...flag("every-boot", terms.how === "every-boot"),
      ...flag("check-content", terms.checkContent),
    ];
  }
  return [
    ...["rackseed", "node", "deploy", ...nodes, ...common],
    ...terms.start === "power" ? ["--power", ...option("at-once", terms.atOnce)] : [],
    ...option("identity", terms.identity),
    ...terms.identity === "ask" ? option("ask-timeout", `${terms.askMinutes}min`) : [],
    ...option("unlock", terms.unlock),
    ...option("seed", terms.seed),
  ];
}

interface Choice {
  readonly ref: string;
  readonly label: string;
}

export interface Lineage {
  readonly name: string;
  readonly isBackup: boolean;
  readonly tags: readonly Choice[];
  /** Newest first. */
  readonly versions: readonly Choice[];
}

/** The images that can be chosen: lineages by name, backups last. */
export function lineagesOf(images: readonly ImageView[]): Lineage[] {
  const found = Map.groupBy(images, ({ image }) => image);
  return [...found].map(([name, views]): Lineage => {
    const versions = views.toSorted((a, b) => b.version - a.version);
    return {
      name,
      isBackup: views.some(({ backupOf }) => backupOf !== undefined),
      tags: versions.flatMap(({ version, tags = [] }) =>
        tags.map((tag) => ({ ref: `${name}@${tag}`, label: `${tag} (${name}@${version})` }))
      ),
      versions: versions.map(({ version, created }) => ({
        ref: `${name}@${version}`,
        label: `${name}@${version} · ${created.slice(0, 10)}`,
      })),
    };
  }).sort((a, b) => Number(a.isBackup) - Number(b.isBackup) || a.name.localeCompare(b.name));
}
