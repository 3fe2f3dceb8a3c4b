/**
 * `deno task lab`: runs the whole product on real firmware, in QEMU without hardware acceleration. Needs root and
 * Debian. Exit codes: 0 all checks passed, 1 a check failed, 2 usage error.
 */
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureProduct } from "./build.ts";
import type { LabOrder } from "./lab/inside.ts";
import { layouts, layoutWords } from "./lab/layouts/layouts.ts";
import { previousProduct } from "./lab/previous_product.ts";
import { installDebianPackages } from "./setup.ts";

const layoutHelp = Object.entries(layoutWords).map(([name, words]) => `    ${name.padEnd(18)}${words}`).join(
  "\n",
);

const HELP = `Usage: deno task lab --firmware bios|uefi [OPTION…]
       deno task lab --firmware bios|uefi --ipv6 [--nodes N] [--installs N] [--data MiB] [--keep DIR]
       deno task lab --layout NAME [--brief] [OPTION…]
       deno task lab --firmware bios|uefi --power redfish|ipmi [--nodes N] [--data MiB] [--keep DIR]
       deno task lab --container bios|uefi [--keep DIR]
       deno task lab --medium bios|uefi [--keep DIR]
       deno task lab --rehearse bios|uefi [--keep DIR]
       deno task lab --firmware bios|uefi --pages [--data MiB] [--keep DIR]

Captures a running Debian machine and turns empty machines into its clones, in QEMU, and checks the result.
Needs root and Debian; takes about 10 minutes or more.

  --firmware bios|uefi  firmware of all machines, which have one disk with an ext4 root
  --layout NAME         the template has this layout: it is captured, installed, damaged and restored, and installed
                        once more with one power cut; disks of mirrors are pulled:
${layoutHelp}
  --brief               with --layout: only capture and install
  --power redfish|ipmi  the nodes are off, and one command starts them through their BMCs; two more nodes have a BMC
                        that is dead, and one that says "on" and starts nothing
  --ipv6                the network has no IPv4: machines boot, are installed, and answer by IPv6
  --service             the server runs under systemd, in the sandbox of the unit that install-service makes
  --upgrade             with --service: it starts as the version before, and is upgraded while node1 is installed
  --old-product FILE    the program of the version before                        (built from the newest tag, or
                        from the last commit on the main line with an older database)
  --container bios|uefi import a container image, export it as a disk, and boot that
  --medium bios|uefi    two machines without a network become clones by media that carry the version: a stick, at
                        which a person types, and a disc for machines in a table
  --rehearse bios|uefi  the server rehearses a sound version and a broken one
  --pages               all orders are given in Chromium at the server's pages: set-up link, users, capture, tag,
                        rehearsal, adoption, a deployment that fails and is retried, drift, a restore; with
                        pictures in --keep
  --nodes 1…4           number of nodes                                          (1)
  --installs 1…9        install the first node so many times, for the time that it takes
  --restore             then damage the first clone and restore it
  --kexec               then restore it without firmware, by kexec both ways; timed against a network boot
  --backup              then back up the first clone at its boot, and give it its data back
  --discover            then read the hardware of the first clone's machine
  --power-cut 1…5       install one more node, whose power is cut this many times
  --identity ask        install two more nodes that ask for their names at the console
  --data MiB            size of the template application's data, 0 to 999        (192)
  --keep DIR            folder for logs and the summary                          (.cache/lab/last-NAME)

Exit status: 0 all checks passed, 1 a check failed, 2 usage error.`;
const root = dirname(import.meta.dirname ?? ".");

interface Arguments extends Omit<LabOrder, "product" | "previous" | "cache"> {
  readonly upgrade: boolean;
  readonly oldProduct: string | undefined;
}

/** Undefined if the arguments do not match `HELP`. */
function parse(args: string[]): Arguments | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        firmware: { type: "string" },
        layout: { type: "string" },
        container: { type: "string" },
        medium: { type: "string" },
        rehearse: { type: "string" },
        brief: { type: "boolean", default: false },
        pages: { type: "boolean", default: false },
        nodes: { type: "string", default: "1" },
        installs: { type: "string", default: "1" },
        restore: { type: "boolean", default: false },
        backup: { type: "boolean", default: false },
        discover: { type: "boolean", default: false },
        kexec: { type: "boolean", default: false },
        "power-cut": { type: "string", default: "0" },
        identity: { type: "string" },
        power: { type: "string" },
        ipv6: { type: "boolean", default: false },
        service: { type: "boolean", default: false },
        upgrade: { type: "boolean", default: false },
        "old-product": { type: "string" },
        // A template's disk has room for 1 GB.
        data: { type: "string", default: "192" },
        keep: { type: "string" },
      },
    });
    const { layout, container, medium, rehearse, brief, pages, nodes, installs, identity, power, data } =
      values;
    const known = layout === undefined ? undefined : layouts[layout];
    const given = [known?.firmware, container, medium, rehearse, values.firmware].filter((firmware) =>
      firmware !== undefined
    );
    const [firmware] = given;
    if (given.length !== 1 || layout !== undefined && !known) return undefined;
    if (firmware !== "bios" && firmware !== "uefi") return undefined;
    if (!/^[1-4]$/.test(nodes) || !/^[1-9]$/.test(installs) || !/^[0-5]$/.test(values["power-cut"])) {
      return undefined;
    }
    if (identity !== undefined && identity !== "ask" || !/^\d{1,3}$/.test(data)) return undefined;
    if (power !== undefined && power !== "redfish" && power !== "ipmi") return undefined;
    const others = [
      layout,
      container,
      medium,
      rehearse,
      identity,
      values.restore,
      values.backup,
      values["power-cut"] !== "0",
    ];
    if (power !== undefined && (others.some(Boolean) || installs !== "1")) return undefined;
    const more = [
      ...others,
      power,
      values.discover,
      values.kexec,
      values.service,
      nodes !== "1",
      installs !== "1",
    ];
    if (pages && (values.firmware === undefined || more.some(Boolean))) return undefined;
    const { ipv6 } = values;
    const beside = [...others, power, pages, values.discover, values.kexec, values.service];
    if (ipv6 && (values.firmware === undefined || beside.some(Boolean))) return undefined;
    const { service, "old-product": oldProduct } = values;
    const upgrade = values.upgrade || oldProduct !== undefined;
    if (upgrade && (!service || power !== undefined || container !== undefined)) return undefined;
    const [kind] = Object.entries({ container, medium, rehearse }).find(([, given]) => given) ?? [];
    const isWhole = known !== undefined && !brief;
    return {
      firmware,
      layout,
      container: container !== undefined,
      medium: medium !== undefined,
      rehearse: rehearse !== undefined,
      pages,
      nodes: Number(nodes),
      installs: Number(installs),
      pullDisks: isWhole,
      restore: values.restore || isWhole,
      backup: values.backup,
      discover: values.discover,
      kexec: values.kexec,
      powerCuts: Math.max(Number(values["power-cut"]), isWhole ? 1 : 0),
      identity,
      power,
      ipv6,
      service,
      upgrade,
      oldProduct: oldProduct === undefined ? undefined : resolve(oldProduct),
      dataMiB: Number(data),
      keep: resolve(
        values.keep ??
          `${root}/.cache/lab/last-${
            layout ?? power ?? kind ?? (pages ? "pages" : ipv6 ? "ipv6" : firmware)
          }`,
      ),
    };
  } catch {
    return undefined;
  }
}

/** Runs the lab and returns its exit code. The lab itself handles signals and cleans up. */
async function startInside(order: LabOrder): Promise<number> {
  const inside = `${import.meta.dirname}/lab/inside.ts`;
  const child = new Deno.Command("unshare", {
    args: [
      ...["--mount", "--propagation", "private"],
      ...[Deno.execPath(), "run", "--allow-all", inside, JSON.stringify(order)],
    ],
  }).spawn();
  // Ctrl-C reaches both processes; a signal to this one alone is passed on.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
  return (await child.status).code;
}

async function main(): Promise<number> {
  if (Deno.args.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  const args = parse(Deno.args);
  if (!args) {
    console.error(`error: these arguments are not valid: ${Deno.args.join(" ") || "(none)"}\n\n${HELP}`);
    return 2;
  }
  if (Deno.uid() !== 0) {
    console.error("error: the lab creates network namespaces and loop devices. Remedy: run it as root.");
    return 1;
  }
  const missing = await installDebianPackages();
  if (missing.length > 0) {
    console.error(`error: the lab needs Debian packages. Remedy: apt-get install ${missing.join(" ")}.`);
    return 1;
  }
  const { upgrade, oldProduct, ...order } = args, cache = `${root}/.cache/lab`;
  const previous = upgrade ? oldProduct ?? await previousProduct({ root, cache }) : undefined;
  if (upgrade && previous === undefined) {
    console.error(
      "error: git has no version before this one. Remedy: fetch the whole history, or --old-product.",
    );
    return 1;
  }
  const code = await startInside({ ...order, product: await ensureProduct(), previous, cache });
  console.log(`logs: ${args.keep}`);
  return code;
}

Deno.exit(await main());
