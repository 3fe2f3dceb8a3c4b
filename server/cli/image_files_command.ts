/** `rackseed image files` and `rackseed image cat`. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, IMAGE, JSON_RESULT } from "./help_text.ts";

export function addFiles(
  image: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(image.command("files"))
    .description("List a folder of a version, show one of its entries, or search it by name.")
    .argument("<image>", IMAGE)
    .argument("[path]", "folder or file in the image", "/")
    .option("--find <name>", "search below the folder: part of a name, or a pattern with * and ?")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Symbolic links are followed within the image. Bytes that are not UTF-8 are
shown as \\xNN, and may be given so. The size of a folder is that of all files
below it.`,
        examples: [
          "rackseed image files web@3 /etc",
          "rackseed image files web /etc/hostname",
          "rackseed image files web --find '*.conf'",
        ],
      }),
    )
    .action(async (ref, path, options) => {
      await (await import("./image_files.ts")).showFiles(ref, { ...options, path, signal });
    });
  withServer(image.command("cat"))
    .description("Write the content of a file of a version.")
    .argument("<image>", IMAGE)
    .argument("<path>", "file in the image")
    .option("-o, --output <file>", "file to write (default: standard output)")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Only admins may read files, because images hold secrets; the audit log records
it. With --output, holes of sparse files stay holes.`,
        examples: ["rackseed image cat web@3 /etc/fstab", "rackseed image cat web /boot/vmlinuz -o vmlinuz"],
      }),
    )
    .action(async (ref, path, options) => {
      await (await import("./image_files.ts")).readFile(ref, { ...options, path, signal });
    });
}
