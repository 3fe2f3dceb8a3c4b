/**
 * Seventeen faults planted on a real machine, and what `rackseed doctor` says of it: a data directory that a server
 * made, on a disk of its own, in a network with another DHCP server.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { DhcpNetwork, SERVER } from "../support/dhcp_network.ts";
import { needs } from "../support/needs.ts";
import type { NetworkNamespace } from "../support/netns.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const DISK_BYTES = 128 << 20;
/** What is not planted, but may be true of the machine that runs the test. */
const OF_THIS_MACHINE =
  /^the clock is not synchronized|^this program lacks boot programs|^a process may open (?!1024 )/;
/** One has lost its pack, another its manifest, and so on. */
const IMAGES = ["lost", "cut", "nameless", "bootless"];

const FEW_FILES = ["prlimit", "--nofile=1024:1024"];

interface Site {
  readonly data: string;
  readonly machine: NetworkNamespace;
  readonly network: DhcpNetwork;
}

interface Fault {
  readonly finding: RegExp;
  readonly plant: (site: Site) => unknown;
}

const FAULTS: readonly Fault[] = [
  {
    finding: /^HTTP cannot have its port: TCP port 8080 .*process \d+ /,
    plant: ({ machine }) => hold(machine, "Deno.listen({ port: 8080 })"),
  },
  {
    finding: /^the tracker cannot have its port: UDP port 6969 .*process \d+ /,
    plant: ({ machine }) => hold(machine, "Deno.listenDatagram({ port: 6969, transport: 'udp' })"),
  },
  {
    finding: new RegExp(`^another DHCP server, ${SERVER}, answers on lan`),
    plant: ({ network }) => network.serve(),
  },
  {
    finding: /^the firewall's chain inet f in drops by default and accepts no rsync \(tcp 873\)$/,
    plant: ({ machine }) =>
      nft(machine, [
        "add table inet f",
        "add chain inet f in { type filter hook input priority 0; policy drop; }",
        "add rule inet f in tcp dport { 8443, 8080, 6881 } accept",
        "add rule inet f in udp dport 1-65535 accept",
      ]),
  },
  // planted by FEW_FILES
  { finding: /^a process may open 1024 files only/, plant: () => {} },
  {
    finding: /^only \d.\d of 0.1 GB are free/,
    plant: ({ data }) => Deno.writeFile(`${data}/ballast`, new Uint8Array(DISK_BYTES * 0.92)),
  },
  {
    finding: /^lost@1 is damaged: .*packs.* is missing$/,
    plant: ({ data }) => Deno.remove(packOf(data, "lost")),
  },
  {
    finding: /^cut@1 is damaged: .*packs.* has 5 bytes instead of \d+$/,
    plant: ({ data }) => Deno.truncate(packOf(data, "cut"), 5),
  },
  {
    finding: /^nameless@1 is damaged: .*manifest.rsm is missing$/,
    plant: ({ data }) => Deno.remove(`${data}/versions/nameless@1/manifest.rsm`),
  },
  {
    finding: /^bootless@1 is damaged: .*initrd-image is missing$/,
    plant: ({ data }) => Deno.writeTextFile(`${data}/versions/bootless@1/vmlinuz`, "kernel"),
  },
  { finding: /^other users can read .*\/token:/, plant: ({ data }) => Deno.chmod(`${data}/token`, 0o644) },
  {
    finding: /signing.pem is missing, with which all versions were signed$/,
    plant: ({ data }) => Deno.remove(`${data}/keys/signing.pem`),
  },
  {
    finding: /^cannot use the certificate authority/,
    plant: ({ data }) => Deno.writeTextFile(`${data}/tls/ca.pem`, "nonsense"),
  },
  {
    // as if the clock had been set back
    finding: /^the clock says .*, but the data directory was changed at /,
    plant: ({ data }) => Deno.utime(`${data}/url`, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600),
  },
  {
    finding: /^switch ports drop the first packets of machines that boot: 52:54:00:00:00:01 \(28 s\)$/,
    plant: ({ data }) => {
      const late = { mac: "52:54:00:00:00:01", seconds: 28, at: new Date().toISOString() };
      return Deno.writeTextFile(`${data}/late-machines.json`, JSON.stringify([late]));
    },
  },
];

/** Planted last: without the interface, nobody asks for DHCP servers. */
const OF_INTERFACE: readonly Fault[] = [
  {
    finding: /^the interface lan is down/,
    plant: ({ machine }) => machine.ip(["link", "set", "lan", "down"]),
  },
  {
    finding: /^the interface lan has no IPv4 address/,
    plant: ({ machine }) => machine.ip(["address", "flush", "dev", "lan"]),
  },
];

Deno.test({
  name: "the doctor names seventeen faults that a machine really has, with remedies, and none before",
  ...needs({ root: true, programs: ["ip", "mount", "nft", "prlimit"] }),
  async fn() {
    await using stack = new AsyncDisposableStack();
    const data = await ownDisk(stack);
    await publishImages(data);
    const network = stack.use(await DhcpNetwork.create());
    const machine = await network.client();
    await machine.ip(["address", "add", "10.77.0.50/24", "dev", "lan"]);
    const site = { data, machine, network };
    assert.deepEqual(await examine(site), []);

    for (const { plant } of FAULTS) await plant(site);
    expectEach(FAULTS, await examine(site, FEW_FILES));
    for (const { plant } of OF_INTERFACE) await plant(site);
    const others = FAULTS.filter(({ finding }) => !/DHCP/.test(finding.source));
    expectEach([...OF_INTERFACE, ...others], await examine(site, FEW_FILES));
  },
});

/** Each fault has one finding, and each finding is of a fault. */
function expectEach(faults: readonly Fault[], findings: readonly string[]): void {
  for (const { finding } of faults) {
    assert.equal(
      findings.filter((text) => finding.test(text)).length,
      1,
      `${finding}: ${findings.join("\n")}`,
    );
  }
  const invented = findings.filter((text) => !faults.some(({ finding }) => finding.test(text)));
  assert.deepEqual(invented, []);
}

/** The directory of a new disk, which goes with the stack. */
async function ownDisk(stack: AsyncDisposableStack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-doctor-" });
  stack.defer(() => Deno.remove(folder));
  await run(["mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES},mode=0700`, "tmpfs", folder]);
  stack.defer(async () => void await run(["umount", folder]));
  return folder;
}

async function publishImages(data: string): Promise<void> {
  await using test = await ServerUnderTest.start({ data });
  for (const image of IMAGES) {
    const root = `${test.folder}/${image}`;
    await Deno.mkdir(root);
    await Deno.writeFile(`${root}/file`, crypto.getRandomValues(new Uint8Array(50_000)));
    await test.publish(image, { root });
  }
}

function packOf(data: string, image: string): string {
  const { files } = parseMetainfo(Deno.readFileSync(`${data}/versions/${image}@1/torrent`)).info;
  return `${data}/packs/${files.find(({ name }) => name !== "manifest.rsm")?.name}`;
}

/** Starts a program in the machine that holds a port, and waits until it does. */
async function hold(machine: NetworkNamespace, listen: string): Promise<void> {
  const { stdout } = machine.spawn([
    ...[Deno.execPath(), "eval", "--unstable-net"],
    `const port = ${listen}; console.log("open"); setInterval(() => port, 1e6);`,
  ]);
  const reader = stdout.getReader();
  await reader.read();
  await reader.cancel();
}

async function nft(machine: NetworkNamespace, commands: readonly string[]): Promise<void> {
  for (const command of commands) await run(["ip", "netns", "exec", machine.name, "nft", command]);
}

const Findings = z.array(z.object({
  level: z.enum(["ok", "warning", "problem"]),
  text: z.string(),
  remedy: z.string().optional(),
}));

/** What the command finds wrong on the machine; `through`: a program that starts it. */
async function examine({ data, machine }: Site, through: readonly string[] = []): Promise<string[]> {
  const doctor = [Deno.execPath(), "run", "-A", "--no-check", "--unstable-net", MAIN, "doctor", "--json"];
  const options = ["--data", data, "--interface", "lan", "--dhcp", "server"];
  const { stdout, stderr } = await machine.run([...through, ...doctor, ...options]);
  assert.ok(stdout.startsWith("["), stderr);
  const found = Findings.parse(JSON.parse(stdout)).filter(({ level, text }) =>
    level !== "ok" && !OF_THIS_MACHINE.test(text)
  );
  for (const { text, remedy } of found) assert.ok(remedy, text);
  return found.map(({ text }) => text);
}

async function run([program = "", ...args]: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
