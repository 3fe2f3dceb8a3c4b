/** The table in words: for OWN_FILES.md and `rackseed image identity`. */
import { isCarried, isMadeByNode, isPreferred, type OwnFiles } from "./table.ts";

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
