/** A review as text: first what speaks against the order, then what happens to each node. */
import type { Review, ReviewedDisk, ReviewedNode, ReviewWarning } from "#contract/api/reviews.ts";
import { formatBytes } from "./figures.ts";

const LEVELS: Readonly<Record<ReviewWarning["level"], string>> = {
  refused: "Refused",
  danger: "Danger",
  warning: "Warning",
  note: "Note",
};
/** Names in one line that a person still reads. */
const MAX_NAMES = 12;

/** `nowMs`: milliseconds since 1970, for ages. */
export function describeReview(review: Review, { nowMs }: { nowMs: number }): string[] {
  const { kind, image, nodes, losing, warnings } = review;
  const order = kind === "deployment" ? `Install ${image} on` : `Restore to ${image}:`;
  return [
    `${order} ${count(nodes.length, "node")}; ${
      losing === 0 ? "no data is lost" : `data is or may be lost on ${count(losing, "machine")}`
    }`,
    ...warnings.flatMap(describeWarning),
    ...nodes.flatMap((node) => describeNode(node, nowMs)),
  ];
}

function describeWarning({ level, cases }: ReviewWarning): string[] {
  return cases.flatMap(({ what, remedy, nodes }) => [
    `${LEVELS[level]}: ${shortNames(nodes)}: ${what}`,
    ...remedy === undefined || level === "note" ? [] : [`  Remedy: ${remedy}`],
  ]);
}

function describeNode(
  { node, loses, disks, disksFrom, identity, image }: ReviewedNode,
  nowMs: number,
): string[] {
  const verb = { all: "wipes", changes: "rewrites what differs on", none: "takes", unknown: "takes" }[loses];
  return [
    `${node}${image === undefined ? "" : ` (has ${image})`}`,
    ...disks.length === 0 ? ["  disks unknown: it plans when it boots"] : [],
    ...disks.map((disk) => `  ${verb} ${describeDisk(disk)}; ${contentOf(disk)}${ageOf(disksFrom, nowMs)}`),
    `  ${describeIdentity(identity)}`,
  ];
}

function describeDisk({ name, byPath, model, serial, sizeBytes }: ReviewedDisk): string {
  const facts = [name, formatBytes(sizeBytes), model, serial && `serial ${serial}`].filter(Boolean).join(
    ", ",
  );
  return `${byPath ?? `/dev/${name}`} (${facts})`;
}

function contentOf({ content, partitions = [] }: ReviewedDisk): string {
  if (content !== "") return `it holds ${content}`;
  return partitions.length > 0 ? `it has ${count(partitions.length, "partition")}` : "nothing known is on it";
}

function ageOf(disksFrom: string | undefined, nowMs: number): string {
  if (disksFrom === undefined) return "";
  const hours = Math.floor((nowMs - Date.parse(disksFrom)) / 3_600_000);
  const age = hours < 1
    ? "within the last hour"
    : hours < 48
    ? `${hours} h ago`
    : `${Math.floor(hours / 24)} days ago`;
  return `, as it reported ${age}`;
}

function describeIdentity({ mode, before, after }: ReviewedNode["identity"]): string {
  const text = ({ hostname, addresses }: typeof after) => [hostname, ...addresses].join(", ");
  const is = text(after), was = before && text(before);
  if (mode === "ask") return `name: asked at the console, proposed ${is}`;
  if (mode === "keep") return `name: kept, ${was ?? `from its disk, else ${is}`}`;
  return was === undefined || was === is ? `name: ${is}` : `name: ${is} instead of ${was}`;
}

function shortNames(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return more > 0 ? `${names.slice(0, MAX_NAMES).join(", ")} and ${more} more` : names.join(", ");
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
