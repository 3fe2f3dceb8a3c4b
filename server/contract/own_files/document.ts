/** The table in words: for OWN_FILES.md and `rackseed image identity`. */
import { isCarried, isMadeByNode, isPreferred, OWN_FILES, type OwnFiles } from "./table.ts";

interface RowInWords {
  readonly onClone: string;
  readonly inRestore: string;
  /** Whether identity *keep* carries it over. */
  readonly byKeep: boolean;
}

export function describeOnClone(row: OwnFiles): RowInWords {
  return {
    onClone: onClone(row),
    inRestore: isMadeByNode(row) || row.clone === "given"
      ? "the node's own"
      : isPreferred(row)
      ? "the node's own, the image's where it is lost"
      : "the image's",
    byKeep: isCarried(row) || row.clone === "given",
  };
}

function onClone(row: OwnFiles): string {
  switch (row.clone) {
    case "given":
      return row.how;
    case "fresh":
      return `fresh: ${row.how}`;
    case "removed":
      return `removed, made again by ${row.back}${row.tell === undefined ? "" : ` (noted at the capture)`}`;
    case "emptied":
      return `emptied, filled again by ${row.back}`;
    case "kept":
      return `kept: ${row.because}`;
    case "told":
      return `kept, and noted at the capture: ${row.tell}`;
  }
}

/** OWN_FILES.md */
export function ownFilesDocument(): string {
  const rows = OWN_FILES.map((row) => {
    const { onClone, inRestore, byKeep } = describeOnClone(row);
    const kept = byKeep ? " Carried over by identity _keep_." : "";
    const paths = row.paths.map((path) => `\`${path}\``).join(", ");
    return `- **${row.what}**: ${onClone}. In a restore: ${inRestore}.${kept} ${paths}`;
  });
  return [
    "# What makes a machine itself",
    "",
    "Made from [table.ts](table.ts); `rackseed image identity` shows the same. A clone gets a fresh value, or none and",
    "makes its own, where two machines with the same are one too many. What the machines of a cluster share stays. What",
    "only a site can judge stays too, and the version's notes say so from its capture on (`rackseed image show`).",
    "`rackseed image set NAME --own PATH…` adds to it for one image. A directory that is installed is no machine and",
    "stays as it was captured, and a node that is given its own backup keeps what the backup has.",
    "",
    ...rows,
    "",
  ].join("\n");
}
