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
    "Generated from [table.ts](table.ts); `rackseed image identity` shows the same. If two machines must not share",
    "a value, a clone gets a fresh one, or none and creates its own. What the machines of a cluster share stays. What",
    "only a site can judge stays too, and the version's notes say so from its capture on (`rackseed image show`).",
    "`rackseed image set NAME --own PATH…` adds paths for one image. Two cases change nothing: an installation into a",
    "directory leaves these files as they were captured, and a node that gets its own backup keeps what the backup has.",
    "",
    ...rows,
    "",
  ].join("\n");
}
