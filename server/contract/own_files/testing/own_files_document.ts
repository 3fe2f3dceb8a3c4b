/** The table of own files as Markdown: the text of OWN_FILES.md. */
import { describeOnClone } from "../document.ts";
import { OWN_FILES } from "../table.ts";

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
