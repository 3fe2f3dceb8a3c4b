/** Machines without PXE and without a network: a medium carries the version, and each becomes a clone of its own name. */
import { createHash } from "node:crypto";
import type { Check } from "./check.ts";
import { run } from "./command.ts";
import { Guest } from "./guest.ts";
import { importContainer } from "./import_container.ts";
import { ProductServer } from "./product_server.ts";
import { shutdownMs, VirtualMachine, type VmOptions } from "./qemu.ts";
import { ipv4 } from "./addresses.ts";
import type { Workplace } from "./workplace.ts";

const image = "edge";
/** A person types its name and address at the console. */
const typed = { name: "field1", mac: "52:54:00:77:00:41", address: "10.77.0.41", disk: "field1-disk" };
/** The medium was written for it, and nobody is there. */
const listed = { name: "field2", mac: "52:54:00:77:00:42", address: "10.77.0.42", disk: "field2-disk" };
type Node = typeof typed;

export async function installByMedium(lab: Workplace): Promise<Check[]> {
  const { timeline, folder } = lab;
  await using server = await timeline.measure("server: started", () => ProductServer.start(lab));
  await importContainer(lab, { image, server });
  const stick = `${folder}/stick.img`, disc = `${folder}/disc.iso`, table = `${folder}/nodes.csv`;
  const [code = ""] = (await timeline.measure(
    "stick: written",
    () => server.rackseed("medium", "--packs", image, "-o", stick),
  )).split("\n");
  const target = `/dev/disk/by-id/virtio-${listed.disk}`;
  await Deno.writeTextFile(
    table,
    `name,serial,mac,address,disks\n${listed.name},${listed.name},${listed.mac},${listed.address}/${ipv4.prefix},${target}\n`,
  );
  await timeline.measure(
    "disc: written",
    () => server.rackseed("medium", "--packs", image, "--nodes", table, "--unattended", "-o", disc),
  );
  const isCodeOnStick = Buffer.from(await Deno.readFile(stick)).includes(code);
  const checks: Check[] = [{
    what: "the stick does not carry its code, and the disc for the table does",
    passed: code.length > 10 && !isCodeOnStick,
    seen: `the code has ${code.length} characters`,
  }];
  await emptyDisk(lab, typed.disk);
  await installAt(lab, { node: typed, medium: { path: stick, as: "disk" }, extra: [] }, async (machine) => {
    const answers = [
      [/code of the medium/, "0000-0000-0000-0000\r"],
      [/Not accepted: the code is not/, `${code.toLowerCase()}\r`],
      [/name \[unnamed\]/, `${typed.name}\r`],
      [/address \[dhcp\]/, `${typed.address}/${ipv4.prefix}\r`],
      [/type field1 to erase/, "yes\r"],
      [/Not accepted: nothing is erased/, `${typed.name}\r`],
    ] as const;
    for (const [after, text] of answers) {
      await machine.serial.expect(after, { timeoutMs: 900_000 });
      await machine.type(text);
    }
    await machine.serial.expect(/Take the medium out/, { timeoutMs: 1_800_000 });
    await machine.type("\r");
  });
  // its own disk, which must stay as it is, is larger than the one for the system
  const own = `${folder}/own.img`;
  await run(["truncate", "-s", "4G", own]);
  await run(["mkfs.ext4", "-q", "-L", "LEDGER", own]);
  const before = await hashOf(own);
  await emptyDisk(lab, listed.disk);
  const extra = [{ path: own, serial: "own-disk" }];
  await installAt(lab, { node: listed, medium: { path: disc, as: "cd" }, extra }, () => Promise.resolve());
  checks.push({
    what: "the disk that the table does not name is untouched",
    passed: await hashOf(own) === before,
    seen: "its SHA-256 before and after",
  });
  const nodes = await server.rackseed("node", "list");
  checks.push({ what: "the server took no part", passed: !/field/.test(nodes), seen: nodes.trim() });
  for (const node of [typed, listed]) checks.push(...await startClone(lab, { node, server }));
  return checks;
}

async function emptyDisk({ folder }: Workplace, name: string): Promise<void> {
  await run(["truncate", "-s", "3G", `${folder}/${name}.img`]);
}

function machineOf(
  { firmware, network, folder, keep, signal }: Workplace,
  { name, mac, disk }: Node,
): VmOptions {
  return {
    name,
    mac,
    disks: [{ path: `${folder}/${disk}.img`, serial: disk }],
    firmware,
    network,
    folder,
    signal,
    memoryMiB: 1024,
    bootOrder: "disk-only",
    serialLog: `${keep}/${name}.serial.log`,
  };
}

/** Installs without a network. QEMU ends at the reboot that the agent requests. */
async function installAt(
  lab: Workplace,
  { node, medium, extra }: {
    node: Node;
    medium: NonNullable<VmOptions["medium"]>;
    extra: VmOptions["disks"];
  },
  person: (machine: VirtualMachine) => Promise<void>,
): Promise<void> {
  const base = machineOf(lab, node);
  const options = { ...base, disks: [...base.disks, ...extra], medium, isAlone: true, noReboot: true };
  await using machine = await VirtualMachine.start(options);
  lab.transcripts.push(machine.serial);
  await lab.timeline.measure(
    `${node.name}: power-on to the agent, from ${medium.as}`,
    () => machine.serial.expect(/Rackseed: asking/, { timeoutMs: 900_000 }),
  );
  await lab.timeline.measure(`${node.name}: the agent to the reboot`, async () => {
    await person(machine);
    await machine.exited({ timeoutMs: 1_800_000 });
  });
}

async function startClone(
  lab: Workplace,
  { node, server }: { node: Node; server: ProductServer },
): Promise<Check[]> {
  const { timeline, network, sshKey } = lab, { name, address } = node;
  await using machine = await VirtualMachine.start(machineOf(lab, node));
  lab.transcripts.push(machine.serial);
  await timeline.measure(
    `${name}: power-on to its own login prompt`,
    () => machine.serial.expect(`${name} login:`, { timeoutMs: 600_000 }),
  );
  const guest = new Guest(network, { address, key: sshKey.path });
  const greeting = await timeline.measure(`${name}: application answers`, () => guest.greeting(lab));
  const failedUnits = (await guest.shell("systemctl --failed --no-legend --plain", lab)).trim();
  const report = `${lab.folder}/${name}.json`;
  await Deno.writeTextFile(report, await guest.shell("cat /var/lib/rackseed/medium.json", lab));
  await guest.powerOff(lab);
  await machine.exited({ timeoutMs: shutdownMs });
  await server.rackseed("medium", "adopt", report);
  const adopted = JSON.parse(await server.rackseed("node", "show", name, "--json"));
  return [
    {
      what: `${name}: adopted with its address and its image`,
      passed: adopted.state === "installed" && adopted.settings.address === `${address}/${ipv4.prefix}`,
      seen: `${adopted.state}, ${adopted.settings.address}`,
    },
    {
      what: `${name}: boots from its own disk, and its application answers at its own address`,
      passed: greeting.startsWith(`host=${name} `),
      seen: greeting,
    },
    { what: `${name}: all units started`, passed: failedUnits === "", seen: failedUnits || "none failed" },
  ];
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of (await Deno.open(path)).readable) hash.update(chunk);
  return hash.digest("hex");
}
