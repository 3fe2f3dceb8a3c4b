/** `rackseed image …` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { collect, parseAge, parseLevel, parseSize, parseVersionCount } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { DEFAULT_LEVEL } from "./defaults.ts";
import { parseThreshold } from "./check_command.ts";
import { addRehearsals } from "./rehearsal_command.ts";
import { addPackStore } from "./pack_store_command.ts";
import { addRegistry } from "./registry_command.ts";
import { addFiles } from "./image_files_command.ts";
import { afterOptions, EXCLUDE, IMAGE, JSON_RESULT, LEVEL } from "./help_text.ts";

const IMPORT_KINDS = ["directory", "tar", "disk", "container"] as const;
const REHEARSAL_RULES = ["require", "warn", "off", "default"] as const;
const FIRMWARES = ["bios", "uefi"] as const;

type ImageCommand = Command<[], Record<PropertyKey, never>>;
type Signal = Pick<Actions, "signal">;

export function addImage(
  program: Command<[], Record<PropertyKey, never>>,
  { signal, sendTree, exportDisk }: Pick<Actions, "signal" | "sendTree" | "exportDisk">,
): void {
  const image = program.command("image")
    .description("List, browse, tag, compare, verify, delete, export, import and rehearse images.")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed image list", "rackseed image export web@3 -o web.tar"] }),
    );
  addQueries(image, { signal });
  addMarks(image, { signal });
  addFiles(image, { signal });
  addSettings(image, { signal });
  addRemovals(image, { signal });
  addTransfers(image, { signal, sendTree });
  addDiskExport(image, { signal, exportDisk });
  addRehearsals(image, { signal });
  addPackStore(image, { signal });
  addRegistry(image, { signal });
}

function addQueries(image: ImageCommand, { signal }: Signal): void {
  withServer(image.command("list"))
    .description("List every version of every image, and warn about damaged ones.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed image list --json"] }))
    .action(async (options) => await (await import("./images.ts")).listImages({ ...options, signal }));
  withServer(image.command("show"))
    .description("Show a version's origin, sizes, disk layout and notes.")
    .argument("<image>", IMAGE)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed image show web@3"] }))
    .action(async (ref, options) =>
      await (await import("./images.ts")).showImage(ref, { ...options, signal })
    );
  withServer(image.command("verify"))
    .description("Read and hash all stored data of a version, and report damage.")
    .argument("<image>", IMAGE)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: "Damage makes the exit status 1.",
        examples: ["rackseed image verify web"],
      }),
    )
    .action(async (ref, options) =>
      await (await import("./images.ts")).verifyImage(ref, { ...options, signal })
    );
  withServer(image.command("diff"))
    .description("List the files that differ between two versions.")
    .argument("<from>", `older version: ${IMAGE}`)
    .argument("<to>", `newer version: ${IMAGE}`)
    .option("--text <path>", "show what changed in this text file (admins only)")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Each line starts with a sign:
  +  added    -  removed    ~  content changed    .  only attributes changed
With --text: a unified diff of a file of up to 256 KiB; it is audited.`,
        examples: ["rackseed image diff web@1 web@2", "rackseed image diff web@1 web@2 --text /etc/fstab"],
      }),
    )
    .action(async (from, to, { text, ...options }) => {
      if (text !== undefined) {
        const { diffText } = await import("./image_files.ts");
        return await diffText(from, to, { ...options, path: text, signal });
      }
      await (await import("./image_upkeep.ts")).diffImages(from, to, { ...options, signal });
    });
}

function addMarks(image: ImageCommand, { signal }: Signal): void {
  withServer(image.command("tag"))
    .description("Let a tag name a version, move it to another version, or remove it.")
    .argument("<image>", IMAGE)
    .argument("<tag>", "name of the tag, e.g. stable")
    .option("--remove", "remove the tag")
    .option("--force", "with --remove: also if schedules or restores at every boot name it")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
NAME@TAG can stand wherever a version is named, as in
rackseed node deploy n1 --image web@stable. It becomes a version when an
order is given: nodes that are armed keep theirs when the tag moves, and
schedules look the tag up at each run.`,
        examples: [
          "rackseed image tag web@3 stable",
          "rackseed image tag web@testing stable",
          "rackseed image tag web stable --remove",
        ],
      }),
    )
    .action(async (ref, tag, options) =>
      await (await import("./image_marks.ts")).tagImage(ref, { ...options, tag, signal })
    );
  withServer(image.command("note"))
    .description("Set, show or remove the note of a version, a line of text for people.")
    .argument("<image>", IMAGE)
    .argument("[text]", "the note; without it, the command shows the note")
    .option("--remove", "remove the note")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed image note web@3 tested", "rackseed image note web@3 --remove"] }),
    )
    .action(async (ref, text, options) =>
      await (await import("./image_marks.ts")).noteImage(ref, { ...options, text, signal })
    );
}

function addSettings(image: ImageCommand, { signal }: Signal): void {
  withServer(image.command("set"))
    .description("Change the settings shared by all versions of an image, or show them.")
    .argument("<name>", "name of the image, without a version")
    .option("--keep <path...>", "paths that a restore leaves alone on every node, or none")
    .option("--own <path...>", "paths unique to each machine, or none; see below")
    .option(
      "--drift-threshold <n>",
      "differences that a node may have before it counts as drifted",
      parseThreshold,
    )
    .addOption(
      new Option("--rehearsal <rule>", "deploying a version that no rehearsal has proved").choices(
        REHEARSAL_RULES,
      ),
    )
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Without options, the command shows the settings.
--keep adds to what \`rackseed node restore --keep\` and \`node check --keep\` name.
--own adds to the list that \`rackseed image identity\` shows: clones do not get
these files, restores leave them alone, and nodes with --identity keep carry
them over (files of up to 64 KiB).
--rehearsal require refuses to deploy such a version, warn warns, off says
nothing, and default warns once a version of the image was rehearsed.`,
        examples: [
          "rackseed image set web",
          "rackseed image set web --keep /srv /var/lib/mysql",
          "rackseed image set web --own /etc/agent/id",
          "rackseed image set web --rehearsal require",
        ],
      }),
    )
    .action(async (name, options) =>
      await (await import("./images.ts")).setImage(name, { ...options, signal })
    );
  withServer(image.command("identity"))
    .description("List the files that make a machine unique, and what clones and restores do to each.")
    .argument("[name]", "image whose --own paths to add to the list; needs a server")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed image identity", "rackseed image identity web --json"] }),
    )
    .action(async (name, options) =>
      await (await import("./image_identity.ts")).showOwnFiles(name, { ...options, signal })
    );
}

function addRemovals(image: ImageCommand, { signal }: Signal): void {
  withServer(image.command("delete"))
    .description("Delete a version, and the stored data that no other version uses.")
    .argument("<image>", IMAGE)
    .option("--force", "delete it although nodes, schedules or tags need it")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
A version is not deleted while nodes that were installed from it, schedules,
restores at every boot or tags need it. --force deletes it all the same, with
its tags; those nodes can then be neither restored nor checked. A version that
is being deployed is never deleted.`,
        examples: ["rackseed image delete web@2"],
      }),
    )
    .action(async (ref, options) =>
      await (await import("./images.ts")).deleteImage(ref, { ...options, signal })
    );
  withServer(image.command("prune"))
    .description("Delete old versions by a keep policy, and the stored data that no other version uses.")
    .argument("[name...]", "names of the images (default: all)")
    .option("--keep-last <n>", "keep the n latest versions of each image", parseVersionCount)
    .option("--keep-newer-than <age>", "keep versions newer than this, e.g. 30d", parseAge)
    .option("--force", "also delete versions that tags name, with those tags")
    .option("--yes", "delete; without it, only show what would be deleted")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
At least one --keep option is required; a version is kept if either keeps it.
Always kept: the latest version of each image, versions that nodes have or
schedules name, versions in use, and, without --force, versions with tags.`,
        examples: [
          "rackseed image prune --keep-last 3",
          "rackseed image prune web --keep-newer-than 30d --yes",
        ],
      }),
    )
    .action(async (names, options) => {
      await (await import("./image_upkeep.ts")).pruneImages(names, { ...options, signal });
    });
}

function addTransfers(
  image: ImageCommand,
  { signal, sendTree }: Pick<Actions, "signal" | "sendTree">,
): void {
  withServer(image.command("export"))
    .description("Write a version as a tar file (pax format) that GNU tar extracts.")
    .argument("<image>", IMAGE)
    .option("-o, --output <file>", "file to write (default: standard output)")
    .addHelpText(
      "after",
      afterOptions({
        examples: ["rackseed image export web -o web.tar", "rackseed image export web | tar t"],
      }),
    )
    .action(async (ref, options) =>
      await (await import("./images.ts")).exportImage(ref, { ...options, signal })
    );
  withServer(image.command("import"))
    .description("Publish a directory, a tar, a disk or a container image as the next version of an image.")
    .argument("<name>", "image to add the version to; created if new")
    .argument("<path>", "directory, tar, raw or qcow2 disk, OCI layout or `docker save` file")
    .addOption(new Option("--type <type>", "what the path is, if it is not recognized").choices(IMPORT_KINDS))
    .addOption(
      new Option("--firmware <type>", "how machines with this disk or container boot").choices(FIRMWARES),
    )
    .option("--level <n>", LEVEL, parseLevel, DEFAULT_LEVEL)
    .option("--exclude <glob>", EXCLUDE, collect)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
A disk image (run as root) becomes what a capture of its machine would be.
A container image becomes a machine with --firmware: it gets a layout of its
own, and must have a kernel, GRUB and the tools that Rackseed needs.`,
        examples: [
          "rackseed image import tools /srv/tools",
          "rackseed image import web web.qcow2",
          "rackseed image import web web.oci.tar --firmware uefi",
        ],
      }),
    )
    .action(async (name, path, { exclude, type: kind, ...options }) => {
      const { importImage } = await import("./images.ts");
      await importImage(name, { ...options, path, kind, exclude: exclude ?? [], sendTree, signal });
    });
}

const FORMATS = ["qcow2", "raw"] as const;

function addDiskExport(
  image: ImageCommand,
  { signal, exportDisk }: Pick<Actions, "signal" | "exportDisk">,
): void {
  withServer(image.command("export-disk"))
    .description("Write a version as a bootable disk, for a hypervisor or a machine without a network.")
    .argument("<image>", IMAGE)
    .requiredOption("-o, --output <file>", "disk to write; further disks get a number: web.1.qcow2")
    .addOption(
      new Option("--format <format>", "format of the disk").choices(FORMATS).default("qcow2" as const),
    )
    .option("--size <size>", "size of the first disk, e.g. 40G (default: as the template's)", parseSize)
    .option("--hostname <name>", "host name of the clone (default: the image's name)")
    .option("--mac <mac>", "MAC of the NIC that the disk's machine will have (default: a new one)")
    .option("--memory <size>", "memory of the virtual machine", parseSize, 2 * 2 ** 30)
    .option("--emulate", "emulate the processor, for machines without working KVM; slower")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
An empty virtual machine (QEMU) on this computer is installed with the version,
by the same steps as a node. It needs no root and reaches only the server. The
disk's network configuration names one NIC: give the machine the MAC address
that this command prints, or name the machine's own with --mac.`,
        examples: [
          "rackseed image export-disk web@3 -o web.qcow2 --mac 52:54:00:12:34:56",
          "rackseed image export-disk web -o web.img --format raw",
        ],
      }),
    )
    .action(async (ref, options) => {
      await (await import("./export_disk.ts")).exportImageDisk(ref, { ...options, exportDisk, signal });
    });
}
