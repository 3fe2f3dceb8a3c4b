/** `rackseed image identity`: prints the table of files that make a machine unique. */
import { ImageName } from "#contract/format/manifest.ts";
import { describeOnClone } from "#contract/own_files/document.ts";
import { OWN_FILES } from "#contract/own_files/table.ts";
import { connect } from "./connection.ts";
import type { ImageOptions } from "./images.ts";
import { print, printJson } from "./terminal.ts";
import { checked } from "../words/usage.ts";

export async function showOwnFiles(
  name: string | undefined,
  { json, signal, ...options }: ImageOptions,
): Promise<void> {
  const own = name === undefined ? [] : await ownOf(name, { ...options, signal });
  if (json) return printJson({ rows: OWN_FILES, own });
  for (const row of OWN_FILES) {
    const { onClone, inRestore } = describeOnClone(row);
    print(`${row.what}: ${onClone}; in a restore: ${inRestore}`);
    for (const path of row.paths) print(`    ${path}`);
  }
  if (name !== undefined) {
    print(`added by the settings of ${name}: removed; in a restore: the node's own`);
    for (const path of own) print(`    ${path}`);
    if (own.length === 0) print(`    nothing; to add paths: rackseed image set ${name} --own PATH…`);
  }
}

async function ownOf(name: string, { signal, ...options }: ImageOptions): Promise<readonly string[]> {
  using client = await connect(options, signal);
  const image = checked(ImageName, { name: "image", value: name });
  return (await client.call("GET /images/:name/settings", { name: image, signal })).own ?? [];
}
