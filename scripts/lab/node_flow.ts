/** An empty machine becomes a clone: power-on, network boot, installation, boot from its own disk, login prompt. */
import { host as bracketed } from "./addresses.ts";
import type { Check } from "./check.ts";
import { checkDiskNames } from "./check_disk_names.ts";
import type { BackgroundProgram } from "./background_program.ts";
import { checkFileSystems, compareWithTemplate } from "./check_disks.ts";
import { run } from "./command.ts";
import { Guest } from "./guest.ts";
import { checkHooks } from "./hooks.ts";
import { keysFolder } from "./on_disks.ts";
import type { ProductServer } from "./product_server.ts";
import { serialOf, shutdownMs, VirtualMachine, type VmDisk, type VmOptions } from "./qemu.ts";
import type { SwitchedMachine } from "./switched_machine.ts";
import { image, type Template } from "./template_flow.ts";
import { domain, templateStorage } from "./template_settings.ts";
import { hostOf, type NodeFacts, type Workplace } from "./workplace.ts";

const ownStorageNames =
  /^InitiatorName=iqn\.1993-08\.org\.debian:01:[0-9a-f]{12}\nnqn\.2014-08\.org\.nvmexpress:uuid:([0-9a-f-]{36})\n\1$/;

interface Context {
  readonly node: NodeFacts;
  readonly template: Template;
  readonly server: ProductServer;
  /** `node deploy --wait`, which reports each clone that is up; or a person, who sees it. */
  readonly order: Pick<BackgroundProgram, "output"> | { seesUp(): Promise<void> };
  /** Its BMC switches it on; without it, the lab does. */
  readonly machine?: SwitchedMachine | undefined;
  /** Runs while its agent works. */
  readonly during?: ((machine: VirtualMachine) => Promise<void>) | undefined;
  /** Runs while the clone is up, once it was looked at. */
  readonly whileUp?: ((guest: Guest) => Promise<void>) | undefined;
}

/** Creates the nodes at the server, arms them, and gives them empty disks; returns once all clones are up. */
export async function orderNodes(
  lab: Workplace,
  { nodes, server, options = [] }: {
    readonly nodes: readonly NodeFacts[];
    readonly server: ProductServer;
    /** Further options of `node deploy`. */
    readonly options?: readonly string[];
  },
): Promise<BackgroundProgram> {
  for (const node of nodes) {
    const cidr = `${node.address}/${lab.addresses.prefix}`;
    const settings = ["--mac", node.mac];
    // --address takes IPv4 alone
    settings.push(...lab.ipv6 ? ["--interface", `${node.mac}=${cidr}`] : ["--address", cidr]);
    if (node.asked) settings.push("--identity", "ask");
    if (node.vlan) {
      settings.push("--interface", `bond0=${node.mac},active-backup`);
      settings.push("--interface", `bond0.${node.vlan.id}=${node.vlan.cidr}`);
    }
    await server.rackseed("node", "set", node.name, ...settings);
    await makeDisks(lab, node);
  }
  await using stack = new AsyncDisposableStack();
  const names = nodes.map(({ name }) => name);
  const order = stack.use(
    server.begin(
      ...["node", "deploy", ...names, "--image", image, "--ask-timeout", "30s", "--wait", ...options],
      ...await lab.layout?.deploy?.(lab.folder) ?? [],
    ),
  );
  await order.output.expect("is ordered for", { timeoutMs: 120_000 });
  stack.move();
  return order;
}

/** With it the lab opens the encrypted disk of an installed node. */
export async function keepRecoveryKey(
  { folder, layout }: Workplace,
  { node: { name }, server }: { readonly node: NodeFacts; readonly server: ProductServer },
): Promise<void> {
  if (layout?.unlock === undefined) return;
  await Deno.mkdir(keysFolder(folder), { recursive: true });
  const [key = ""] = (await server.rackseed("node", "recovery-key", name)).split("\n");
  await Deno.writeTextFile(`${keysFolder(folder)}/${name}`, key);
}

/** A disk that is the machine's own gets its data. */
async function makeDisks(lab: Workplace, node: NodeFacts): Promise<void> {
  for (const { path, sizeMiB } of disksOf(lab, node)) await run(["truncate", "-s", `${sizeMiB}M`, path]);
  const own = ownDisk(lab, node);
  if (own === undefined) return;
  const folder = `${lab.folder}/${node.name}.own`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/ledger`, `the ledger of ${node.name}\n`);
  await run(["mkfs.ext4", "-q", "-L", "LEDGER", "-d", folder, own]);
}

/** The disk that nothing may write to. */
export function ownDisk(lab: Workplace, node: NodeFacts): string | undefined {
  return lab.layout?.fileSystems.some(({ isOwn }) => isOwn) ? disksOf(lab, node).at(-1)?.path : undefined;
}

/** An installed node as it came up. */
export interface Clone {
  readonly machineId: string;
  readonly hostKey: string;
  /** Its iSCSI initiator name, NVMe host NQN and host id. */
  readonly storage: string;
  readonly checks: Check[];
  /** Milliseconds from the agent's start to the reboot that it requested. */
  readonly agentMs: number;
}

/**
 * Lets an armed node execute its order. QEMU ends at the reboot that the agent requests, so that the disk can be
 * read. Returns the time from the agent's start.
 */
export async function installNode(
  lab: Workplace,
  { node, machine: switched, during }: Pick<Context, "node" | "machine" | "during">,
): Promise<number> {
  await using machine = switched
    ? await switched.firstStart({ timeoutMs: 600_000, signal: lab.signal })
    : await VirtualMachine.start({ ...machineOf(lab, node), noReboot: true });
  lab.transcripts.push(machine.serial);
  const { timeline } = lab;
  await timeline.measure(
    `${node.name}: power-on to the agent's kernel`,
    () => machine.serial.expect(/Linux version \d/, { timeoutMs: 1_200_000 }),
  );
  let agentMs = 0;
  await timeline.measure(`${node.name}: the agent's kernel to the reboot`, async () => {
    await machine.serial.expect(/Rackseed: asking the server/, { timeoutMs: 1_200_000 });
    const started = performance.now();
    for (const { after, text } of node.asked?.types ?? []) {
      await machine.serial.expect(after, { timeoutMs: 1_200_000 });
      await machine.type(text);
    }
    await during?.(machine);
    await machine.exited({ timeoutMs: 1_800_000 });
    agentMs = performance.now() - started;
  });
  timeline.add(`${node.name}: the agent's start to its reboot`, agentMs);
  return agentMs;
}

/** Installs a node on empty disks once more, for its time. */
export async function installAgain(
  lab: Workplace,
  { node, server }: { readonly node: NodeFacts; readonly server: ProductServer },
): Promise<void> {
  for (const { path } of disksOf(lab, node)) await Deno.remove(path);
  await using _order = await orderNodes(lab, { nodes: [node], server });
  await installNode(lab, { node });
}

/** Starts an installed node as the reboot would have, and checks the running clone, then its disk. */
export async function startClone(
  lab: Workplace,
  { node, template, server, order, machine: switched, whileUp }: Context,
): Promise<Omit<Clone, "agentMs">> {
  await using machine = switched
    ? await switched.startAgain()
    : await VirtualMachine.start(machineOf(lab, node));
  lab.transcripts.push(machine.serial);
  const host = hostOf(node);
  await lab.timeline.measure(`${node.name}: power-on to its own login prompt`, async () => {
    const { unlock } = lab.layout ?? {};
    if (unlock?.clone) {
      await machine.serial.expect(unlock.after, { timeoutMs: 1_200_000 });
      await machine.type(unlock.clone);
    }
    await machine.serial.expect(`${host} login:`, { timeoutMs: 1_200_000 });
  });
  const guest = new Guest(lab.network, { address: node.address, key: lab.sshKey.path });
  const greeting = await lab.timeline.measure(`${node.name}: application answers`, () => guest.greeting(lab));
  const hostKey = (await guest.shell("cat /etc/ssh/ssh_host_ed25519_key.pub", lab)).trim();
  const machineId = (await guest.shell("cat /etc/machine-id", lab)).trim();
  const storage = (await guest.shell(
    "cat /etc/iscsi/initiatorname.iscsi /etc/nvme/hostnqn /etc/nvme/hostid",
    lab,
  )).trim();
  const fullName = (await guest.shell("hostname -f", lab)).trim();
  const failedUnits = (await guest.shell("systemctl --failed --no-legend --plain", lab)).trim();
  await lab.timeline.measure(
    `${node.name}: its first boot reported`,
    async () => {
      if ("seesUp" in order) await order.seesUp();
      else await order.output.expect(`${node.name} is up as ${host}`, { timeoutMs: 1_200_000 });
    },
  );
  const { state, log } = JSON.parse(await server.rackseed("node", "show", node.name, "--json"));
  const hooked = await checkHooks(lab, { host, guest, log });
  const addresses = await guest.shell("ip -brief address", lab);
  const leftovers = (await guest.shell(remains, lab)).trim();
  const named = await checkDiskNames(lab, guest);
  await whileUp?.(guest);
  await guest.powerOff(lab);
  await machine.exited({ timeoutMs: shutdownMs });
  const checks = [
    { what: "login prompt shows its own name", passed: true, seen: `${host} login:` },
    {
      what: "application answers at its own address, with its own name",
      passed: greeting.startsWith(`host=${host} `),
      seen: `http://${bracketed(node.address)}/: ${greeting}`,
    },
    {
      what: "machine-id is its own",
      passed: /^[0-9a-f]{32}$/.test(machineId) && machineId !== template.machineId,
      seen: `${machineId}, the template's ${template.machineId}`,
    },
    {
      what: "SSH host keys are its own",
      passed: hostKey.startsWith("ssh-ed25519 ") && key(hostKey) !== key(template.hostKey),
      seen: `…${key(hostKey).slice(-12)}, the template's …${key(template.hostKey).slice(-12)}`,
    },
    {
      what: "it has its own storage names",
      passed: ownStorageNames.test(storage) && !storage.includes(templateStorage.hostUuid) &&
        !storage.includes(templateStorage.initiator.trim()),
      seen: storage.replaceAll("\n", ", "),
    },
    {
      what: "its full name has the template's domain",
      passed: fullName === `${host}.${domain}`,
      seen: fullName,
    },
    {
      what: "it has reported its first boot to the server",
      passed: state === "running",
      seen: `the node is ${state}`,
    },
    hooked,
    ...named,
    ...(node.asked ? [checkAsked(node, log)] : []),
    ...(node.vlan ? [checkVlan(lab, { node, seen: addresses })] : []),
    ...(lab.ipv6 ? [checkIpv6(lab, { node, seen: addresses })] : []),
    { what: "the first-boot files are gone", passed: leftovers === "", seen: leftovers || "nothing" },
    { what: "all units started", passed: failedUnits === "", seen: failedUnits || "none failed" },
    await checkFileSystems(lab, disksOf(lab, node)),
  ];
  return { machineId, hostKey: key(hostKey), storage, checks };
}

/** `seen`: the output of `ip -brief address`. */
interface Seen {
  readonly node: NodeFacts;
  readonly seen: string;
}

/** The machine's address is its node's; of IPv4 it has nothing, nor has the network. */
function checkIpv6({ addresses }: Workplace, { node, seen }: Seen): Check {
  const words = seen.split(/\s+/);
  return {
    what: "it has its own IPv6 address, and none of IPv4 but the loopback one",
    passed: words.includes(`${node.address}/${addresses.prefix}`) &&
      words.every((word) => !/^\d+\.\d+\.\d+\.\d+/.test(word) || word === "127.0.0.1/8"),
    seen: words.join(" ").trim(),
  };
}

function checkVlan({ addresses: { prefix } }: Workplace, { node, seen }: Seen): Check {
  const { address, vlan } = node;
  const hasAddress = (name: string, cidr = "") =>
    seen.split("\n").some((line) =>
      line.startsWith(`${name} `) && line.includes(` UP `) && line.includes(` ${cidr}`)
    );
  return {
    what: "bond and VLAN are up with their addresses",
    passed: hasAddress("bond0", `${address}/${prefix}`) && hasAddress(`bond0.${vlan?.id}@bond0`, vlan?.cidr),
    seen: seen.trim().replace(/\s+/g, " "),
  };
}

function checkAsked(node: NodeFacts, log: readonly { step: string; message?: string }[]): Check {
  const seen = log.find(({ step }) => step === "ask")?.message ?? "the step did not run";
  const [what, expected] = node.asked?.types.length
    ? ["the answer typed at the console was used", `answered at the console: ${hostOf(node)}, `]
    : [
      "with nobody at the console, the proposed identity was used",
      `nobody answered in 30 s: ${hostOf(node)}, `,
    ];
  return { what, passed: seen.startsWith(expected), seen };
}

/** Waits for the first-boot script to remove itself, a moment after its report. */
const remains = `for i in $(seq 100); do
  [ -e /var/lib/rackseed/first-boot ] || break; sleep 0.1
done
find /etc /var/lib/rackseed -name '*first-boot*' 2> /dev/null || true`;

/** Takes one node all the way, and returns all its checks. */
export async function cloneNode(
  lab: Workplace,
  context: Context,
): Promise<Clone> {
  const agentMs = await installNode(lab, context);
  await keepRecoveryKey(lab, context);
  const compared = await lab.timeline.measure(
    `${context.node.name}: compared with the template`,
    () => compareWithTemplate(lab, { clone: disksOf(lab, context.node), template: context.template.disks }),
  );
  const { checks, ...clone } = await startClone(lab, context);
  return { ...clone, agentMs, checks: [compared, ...checks] };
}

/** The machine's settings at every start: network first, then its own disk. */
export function machineOf(lab: Workplace, node: NodeFacts): VmOptions {
  return {
    name: node.name,
    mac: node.mac,
    disks: disksOf(lab, node),
    tpm: lab.layout?.tpm ? `${lab.folder}/${node.name}.tpm` : undefined,
    // The image's packs are kept in it.
    memoryMiB: 1536,
    bootOrder: "network-first",
    firmware: lab.firmware,
    network: lab.network,
    ipv6: lab.ipv6,
    folder: lab.folder,
    signal: lab.signal,
    serialLog: `${lab.keep}/${node.name}.serial.log`,
  };
}

/** Its disks, which `orderNodes` creates. */
export function disksOf(
  lab: Workplace,
  { name }: NodeFacts,
): (VmDisk & { readonly sizeMiB: number })[] {
  return (lab.layout?.nodeDisksMiB ?? [3072]).map((sizeMiB, i) => ({
    path: `${lab.folder}/${name}${i === 0 ? "" : `-${i}`}.img`,
    serial: serialOf(name, i),
    sizeMiB,
  }));
}

/** The disk of a node that has only one. */
export function diskOf(lab: Workplace, node: NodeFacts): string {
  return disksOf(lab, node)[0]?.path ?? "";
}

function key(line: string): string {
  return line.split(" ")[1] ?? "";
}
