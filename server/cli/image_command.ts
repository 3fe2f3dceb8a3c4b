/** `rackseed image …` and its options. */
import type { Command } from "@commander-js/extra-typings";
import { collect, parseAge, parseLevel, parseVersionCount } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { DEFAULT_LEVEL } from "./defaults.ts";
import { examples } from "./examples.ts";
import type { SendTree } from "./images.ts";

export function addImage(
  program: Command<[], Record<PropertyKey, never>>,
  { signal, sendTree }: { signal: AbortSignal; sendTree: SendTree },
): void {
  const image = program.command("image")
    .description("Work with images. REF is NAME (its newest version) or NAME@VERSION.")
    .addHelpText("after", examples("rackseed image list", "rackseed image export web@3 -o web.tar"));
  withServer(image.command("list"))
    .description("List all versions of all images.")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed image list --json"))
    .action(async (options) => await (await import("./images.ts")).listImages({ ...options, signal }));
  withServer(image.command("show"))
    .description("Show one version.")
    .argument("<ref>")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed image show web@3"))
    .action(async (ref, options) =>
      await (await import("./images.ts")).showImage(ref, { ...options, signal })
    );
  withServer(image.command("verify"))
    .description("Read and hash everything of a version again.")
    .argument("<ref>")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed image verify web"))
    .action(async (ref, options) =>
      await (await import("./images.ts")).verifyImage(ref, { ...options, signal })
    );
  withServer(image.command("set"))
    .description("Set what holds for all versions of an image; with no option, show it.")
    .argument("<name>")
    .option(
      "--keep <path...>",
      "what a restore leaves alone on every node, beside `node restore --keep`; none: nothing",
    )
    .option(
      "--own <path...>",
      "what each node has for itself, beside what `image identity` lists: clones do not get it, restores leave it " +
        "alone, --identity keep carries it over (up to 64 KiB a file); none: nothing",
    )
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(
        "rackseed image set web --keep /srv /var/lib/mysql",
        "rackseed image set web --own /etc/agent/id",
      ),
    )
    .action(async (name, options) =>
      await (await import("./images.ts")).setImage(name, { ...options, signal })
    );
  withServer(image.command("identity"))
    .description(
      "Show what makes a machine itself and what becomes of it on a clone; with NAME, also what that image's " +
        "settings add. Without NAME no server is asked.",
    )
    .argument("[name]")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed image identity", "rackseed image identity web --json"))
    .action(async (name, options) =>
      await (await import("./image_identity.ts")).showOwnFiles(name, { ...options, signal })
    );
  withServer(image.command("delete"))
    .description("Delete one version, and the packs that no other version needs.")
    .argument("<ref>")
    .addHelpText("after", examples("rackseed image delete web@2"))
    .action(async (ref, options) =>
      await (await import("./images.ts")).deleteImage(ref, { ...options, signal })
    );
  withServer(image.command("diff"))
    .description("Tell what has changed from one version to another.")
    .argument("<from>")
    .argument("<to>")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed image diff web@1 web@2"))
    .action(async (from, to, options) => {
      await (await import("./image_upkeep.ts")).diffImages(from, to, { ...options, signal });
    });
  withServer(image.command("prune"))
    .description(
      "Delete versions by a keep policy, and the packs that no other version needs. The newest of every image, what " +
        "nodes bear and what is in use stays. Without --yes it only tells what would go.",
    )
    .argument("[name...]", "the images (default: all)")
    .option("--keep-last <n>", "keep so many newest versions of every image", parseVersionCount)
    .option("--keep-newer-than <age>", "keep versions that are not older, for instance 30d", parseAge)
    .option("--yes", "do it")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples("rackseed image prune --keep-last 3", "rackseed image prune web --keep-newer-than 30d --yes"),
    )
    .action(async (names, options) => {
      await (await import("./image_upkeep.ts")).pruneImages(names, { ...options, signal });
    });
  withServer(image.command("export"))
    .description("Write a version as a pax tar that GNU tar extracts.")
    .argument("<ref>")
    .option("-o, --output <file>", "the file; else standard output")
    .addHelpText(
      "after",
      examples("rackseed image export web -o web.tar", "rackseed image export web | tar t"),
    )
    .action(async (ref, options) =>
      await (await import("./images.ts")).exportImage(ref, { ...options, signal })
    );
  withServer(image.command("import"))
    .description("Make the next version of an image from a directory or a tar.")
    .argument("<name>", "the image")
    .argument("<dir-or-tar>")
    .option("--level <n>", "zstd level, 1 to 19", parseLevel, DEFAULT_LEVEL)
    .option("--exclude <glob>", "leave out what matches; may be given again", collect)
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      examples("rackseed image import tools /srv/tools", "rackseed image import web web.tar"),
    )
    .action(async (name, path, { exclude, ...options }) => {
      const { importImage } = await import("./images.ts");
      await importImage(name, { ...options, path, exclude: exclude ?? [], sendTree, signal });
    });
}
