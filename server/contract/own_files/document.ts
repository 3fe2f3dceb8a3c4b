/** The table as sentences, for OWN_FILES.md and `rackseed image identity`. */
import { isCarried, isMadeByNode, isPreferred, type OwnFiles } from "./table.ts";

interface RowText {
  readonly onClone: string;
  readonly inRestore: string;
  /** Whether identity *keep* carries it over. */
  readonly byKeep: boolean;
}

/** One row: what a clone gets, and what a restore leaves. */
export function describeOnClone(row: OwnFiles): RowText {
  return {
    onClone: onClone(row),
    inRestore: isMadeByNode(row) || row.clone === "given"
      ? "the node's own"
      : isPreferred(row)
      ? "the node's own, or the image's if it is lost"
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
      return `removed; recreated by ${row.back}${row.tell === undefined ? "" : " (with a note at capture)"}`;
    case "emptied":
      return `emptied; refilled by ${row.back}`;
    case "kept":
      return `kept: ${row.because}`;
    case "told":
      return `kept, with a note at capture: ${row.tell}`;
  }
}
