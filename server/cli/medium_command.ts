/** `rackseed medium` and its options. */
import type { Command } from "@commander-js/extra-typings";
import { DEFAULT_MEDIUM_HOURS, MAX_MEDIUM_HOURS } from "#contract/api/media.ts";
import type { Actions } from "./actions.ts";
import { parseVersionCount, parseVlan } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, IMAGE, JSON_RESULT } from "./help_text.ts";

export function addMedium(
  program: Command<[], Record<PropertyKey, never>>,
  { signal, claimDevice }: Pick<Actions, "signal" | "claimDevice">,
): void {
  const medium = withServer(program.command("medium"))
    .description(
      "Write a stick or disc that starts machines without PXE, or installs them without a network.",
    )
    .option("-o, --output <file>", "image to write, or a USB stick such as /dev/sdb")
    .option("--virtual", "write nothing: it is for BMCs' virtual drives, see rackseed node power")
    .option("--image <image>", `start machines by this version: ${IMAGE}`)
    .option("--packs <image>", "carry this version, and install it without a network")
    .option("--nodes <table>", "with --packs: the machines that it is for, in CSV")
    .option("--unattended", "carry the code, so that nobody types it; keep such a medium locked away")
    .option("--hours <n>", `how long machines may enrol by it, up to ${MAX_MEDIUM_HOURS}`, parseVersionCount)
    .option("--address <cidr>", "a machine's address while it installs (default: by DHCP)")
    .option("--gateway <ip>", "its gateway")
    .option("--vlan <id>", "with --image: its switch port wants this VLAN's tag", parseVlan)
    .option("--dns <ip...>", "its DNS servers")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
It starts from USB and CD, by BIOS and UEFI; under Secure Boot if Debian's or
another accepted key signed the image's kernel. The medium's code is printed
once. A machine asks for it at its console; what is secret on the medium is
sealed by it.

With --image, the machine reaches this server and waits for its order (rackseed
node deploy), as after a boot from the network. That works for
${DEFAULT_MEDIUM_HOURS} hours unless --hours says otherwise, or until it is revoked.

With --packs, the machine needs no server. Its name and address are asked at its
console, or come from the table: the columns of "rackseed node import", and
serial for its serial number. Nothing is erased until somebody types the
machine's name, unless it is in the table and its disk is empty. The version's
key is on the medium, sealed by the code, which does not expire.

Only a USB stick that nothing uses is written, or a file.`,
        examples: [
          "rackseed medium --image web -o stick.img",
          "rackseed medium --packs web@3 --nodes site.csv -o /dev/sdb",
          "rackseed medium --image web --virtual --unattended",
        ],
      }),
    )
    .action(async (options) =>
      await (await import("./medium.ts")).writeMedium({ ...options, claimDevice, signal })
    );
  withServer(medium.command("list"))
    .description("List the media that were made lately, or by which machines may enrol.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed medium list"] }))
    .action(async (options) => await (await import("./medium.ts")).listMedia({ ...options, signal }));
  withServer(medium.command("adopt"))
    .description("Make nodes of machines that a medium installed, by the reports that they keep.")
    .argument("<report...>", "copies of /var/lib/rackseed/medium.json of such machines")
    .option("--json", "print the nodes as JSON")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The server must have the version. The machine's name, addresses, hardware and
the steps of its installation become those of the node, which can then be
restored, backed up and deployed like any other.`,
        examples: ["rackseed medium adopt edge1.json"],
      }),
    )
    .action(async (files, options) =>
      await (await import("./medium.ts")).adoptMachines(files, { ...options, signal })
    );
  withServer(medium.command("revoke"))
    .description("Revoke a medium: no machine enrols by it any more.")
    .argument("<id>", "the medium's id")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
What a medium with --packs carries cannot be taken back. If its code is known to
somebody, change the passwords and keys in the image.`,
        examples: ["rackseed medium revoke 1a2b3c4d"],
      }),
    )
    .action(async (id, options) =>
      await (await import("./medium.ts")).revokeMedium(id, { ...options, signal })
    );
}
