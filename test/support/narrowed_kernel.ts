/** A kernel as if it had few drivers, to measure an initramfs for known hardware. */
import { type FileSource, readText } from "../../boot/initramfs/file_source.ts";
import { moduleName, parseDependencies } from "../../boot/initramfs/module_index.ts";

/**
 * The same files, but modules.dep names no driver (kernel/drivers) other than these and what they depend on, so that the
 * initramfs gets no other.
 */
export async function narrowed(
  source: FileSource,
  { release, drivers }: { readonly release: string; readonly drivers: readonly string[] },
): Promise<FileSource> {
  const index = `/lib/modules/${release}/modules.dep`;
  const dependencies = parseDependencies(await readText(source, index) ?? "");
  const kept = new Set<string>();
  for (const [path, needed] of dependencies) {
    if (path.startsWith("kernel/drivers/") && !drivers.includes(moduleName(path))) continue;
    // modules.dep has all of a module's dependencies, also the indirect ones
    for (const each of [path, ...needed]) kept.add(each);
  }
  const unknown = drivers.filter((name) => ![...kept].some((path) => moduleName(path) === name));
  if (unknown.length > 0) throw new Error(`the kernel ${release} has no module ${unknown.join(", ")}`);
  const lines = [...kept].map((path) => `${path}: ${(dependencies.get(path) ?? []).join(" ")}`);
  const text = new TextEncoder().encode(`${lines.join("\n")}\n`);
  return {
    ...source,
    async lookup(path) {
      const found = await source.lookup(path);
      return path.endsWith(index) && found?.type === "file" ? { ...found, sizeBytes: text.length } : found;
    },
    read: (path) => path.endsWith(index) ? Promise.resolve(text) : source.read(path),
  };
}
