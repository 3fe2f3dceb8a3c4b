/** `rackseed image diff` and `rackseed image prune`. */
import { ImageChange, PruneAnswer, PruneRequest } from "#contract/api.ts";
import { connect } from "./connection.ts";
import { formatBytes, formatCount, formatTime } from "../words/figures.ts";
import { type ImageOptions, refOf } from "./images.ts";
import { print, printJson, printTable, remark } from "./terminal.ts";
import { checked } from "../words/usage.ts";

const SIGNS = { added: "+", removed: "-", content: "~", attributes: "." } as const;

export async function diffImages(
  from: string,
  to: string,
  { json, signal, ...options }: ImageOptions,
): Promise<void> {
  using client = await connect(options, signal);
  const changes = await client.call("GET /images/:ref/diff/:to", { ref: refOf(from), to: refOf(to), signal });
  if (json) return printJson(changes);
  if (changes.length > 0) print(changes.map(describeChange).join("\n"));
  const count = (change: ImageChange["change"]) =>
    formatCount(changes.filter((c) => c.change === change).length);
  const bytes = changes.reduce((sum, c) => sum + (c.change === "removed" ? 0 : c.bytes ?? 0), 0);
  remark(
    `${count("added")} added (+), ${count("removed")} removed (-), ${count("content")} changed (~), ` +
      `${count("attributes")} with changed attributes only (.); ${formatBytes(bytes)} of new content`,
  );
}

function describeChange({ change, path, type, bytes, what }: ImageChange): string {
  const size = bytes === undefined
    ? type
    : change === "content"
    ? `${formatBytes(bytes)} new`
    : formatBytes(bytes);
  const details = change === "attributes" ? what : [size, ...what ?? []];
  return `${SIGNS[change]} /${path}  (${details?.join(", ")})`;
}

export async function pruneImages(
  images: readonly string[],
  { keepLast, keepNewerThan, force, yes = false, json, signal, ...options }: ImageOptions & {
    keepLast?: number | undefined;
    /** Seconds. */
    keepNewerThan?: number | undefined;
    force?: boolean | undefined;
    yes?: boolean | undefined;
  },
): Promise<void> {
  const body = checked(PruneRequest, {
    name: "image prune",
    value: {
      apply: yes,
      keepLast,
      force,
      keepNewerThanSeconds: keepNewerThan,
      ...(images.length > 0 && { images }),
    },
  });
  using client = await connect(options, signal);
  const answer = await client.call("POST /images/prune", { body, signal });
  if (json) return printJson(answer);
  const row = ({ image, version, created }: PruneAnswer["removed"][number]) => [
    `${image}@${version}`,
    formatTime(created),
  ];
  const verdict = answer.applied ? "removed" : "would be removed";
  printTable(["image", "captured", "prune"], [
    ...answer.kept.map((version) => [...row(version), `kept: ${version.reason}`]),
    ...answer.removed.map((version) => [...row(version), verdict]),
  ]);
  const { length } = answer.removed;
  const versions = length === 1 ? "1 version" : `${formatCount(length)} versions`;
  const freed = `${versions}, ${formatBytes(answer.freedBytes)}`;
  if (answer.applied) remark(`removed ${freed}`);
  else remark(length === 0 ? "nothing to remove" : `would remove ${freed}; to do it, add --yes`);
}
