/** From nothing to a published version: creates a Debian machine, starts it, and captures it while it runs. */
import { dirname } from "node:path/posix";
import { host } from "./addresses.ts";
import { BackgroundProgram } from "./background_program.ts";
import { run } from "./command.ts";
import { debianTree } from "./debian.ts";
import { Guest } from "./guest.ts";
import { templateDisks } from "./layouts/template_disks.ts";
import type { ProductServer } from "./product_server.ts";
import { serialOf, shutdownMs, VirtualMachine, type VmDisk } from "./qemu.ts";
import { writeTemplateDisk } from "./template_disk.ts";
import { productPath, templateName } from "./template_settings.ts";
import { firstProduct, type Workplace } from "./workplace.ts";

export interface Template {
  /** Its disks at the end of the capture. */
  readonly disks: readonly VmDisk[];
  readonly machineId: string;
  readonly hostKey: string;
}

export const image = "web";
/** Of the compression: a low one, since the template's processor is emulated. */
export const level = 3;

/** Its disks, ready to start. The product is not on those of a layout. */
async function makeTemplateDisks(lab: Workplace): Promise<VmDisk[]> {
  const { timeline, cache, folder, signal, firmware, layout, dataMiB, sshKey } = lab;
  const disk = (i: number) => ({ path: `${folder}/template-${i}.img`, serial: serialOf(templateName, i) });
  if (layout) {
    const options = { cache, dataMiB, authorizedKey: sshKey.publicKey, signal };
    const made = await timeline.measure(
      "template: disks written",
      () => templateDisks(layout, layout.name, options),
    );
    for (const [i, path] of made.entries()) {
      await run(["cp", "--sparse=always", path, disk(i).path], { signal });
    }
    return made.map((_, i) => disk(i));
  }
  const tree = await timeline.measure("Debian tree", () => debianTree({ cache, work: folder, signal }));
  await timeline.measure("template: disk written", () =>
    writeTemplateDisk({
      firmware,
      tree,
      dataMiB,
      image: disk(0).path,
      work: folder,
      address: `${lab.addresses.template}/${lab.addresses.prefix}`,
      authorizedKey: sshKey.publicKey,
      product: firstProduct(lab),
      signal,
    }));
  return [disk(0)];
}

export async function captureTemplate(
  lab: Workplace,
  { server, capture = () => captureByCommand(server) }: {
    readonly server: ProductServer;
    /** Returns once the version is published. */
    readonly capture?: () => Promise<void>;
  },
): Promise<Template> {
  const { timeline, signal, folder } = lab;
  const disks = await makeTemplateDisks(lab);
  await using machine = await VirtualMachine.start({
    name: templateName,
    firmware: lab.firmware,
    network: lab.network,
    disks,
    tpm: lab.layout?.tpm ? `${folder}/template.tpm` : undefined,
    folder,
    signal,
    mac: "52:54:00:77:00:fe",
    memoryMiB: 1024,
    bootOrder: "disk-first",
    serialLog: `${lab.keep}/${templateName}.serial.log`,
  });
  lab.transcripts.push(machine.serial);
  await timeline.measure("template: power-on to login prompt", async () => {
    const { unlock } = lab.layout ?? {};
    if (unlock) {
      await machine.serial.expect(unlock.after, { timeoutMs: 600_000 });
      await machine.type(unlock.template);
    }
    await machine.serial.expect(`${templateName} login:`, { timeoutMs: 600_000 });
  });
  const guest = new Guest(lab.network, { address: lab.addresses.template, key: lab.sshKey.path });
  if (lab.layout) await bringProduct(lab, guest);
  await guest.shell(mountOver, { signal });
  await guest.shell(startAgent(server), { signal });
  await timeline.measure(
    "template: agent waits for orders",
    () => machine.serial.expect(/waiting|waits/, { timeoutMs: 600_000 }),
  );
  await timeline.measure("capture: asked for to published", capture);
  const machineId = (await guest.shell("cat /etc/machine-id", { signal })).trim();
  const hostKey = (await guest.shell("cat /etc/ssh/ssh_host_ed25519_key.pub", { signal })).trim();
  await guest.shell("systemctl stop rackseed-agent; sync", { signal });
  const kept = disks.map(({ path, serial }) => ({ path: `${path}.kept`, serial }));
  await timeline.measure("template: disks kept for comparison", () =>
    machine.whilePaused(async () => {
      for (const { path } of disks) await run(["cp", "--sparse=always", path, `${path}.kept`], { signal });
    }));
  await guest.powerOff({ signal });
  await timeline.measure("template: shut down", () => machine.exited({ timeoutMs: shutdownMs }));
  for (const { path } of disks) await Deno.remove(path);
  return { disks: kept, machineId, hostKey };
}

async function captureByCommand(server: ProductServer): Promise<void> {
  await server.rackseed("capture", templateName, "--image", image, "--level", `${level}`);
}

/** By plain HTTP: ssh would take a minute. */
export async function bringProduct(lab: Workplace, guest: Guest): Promise<void> {
  const { server: address } = lab.addresses;
  const serve = `Deno.serve({ hostname: "${address}", port: 8000 }, async () =>
    new Response((await Deno.open("${firstProduct(lab)}")).readable))`;
  await using server = new BackgroundProgram(lab.network.inside([Deno.execPath(), "eval", serve]), {
    name: "the product's download",
    log: `${lab.keep}/download.log`,
    signal: lab.signal,
  });
  await server.output.expect("Listening", { timeoutMs: 60_000 });
  const command = `mkdir -p /${dirname(productPath)} && chmod 755 /${dirname(productPath)} && ` +
    `curl -sSf -o /${productPath} http://${host(address)}:8000/ && chmod 755 /${productPath}`;
  await lab.timeline.measure("product copied", () => guest.shell(command, lab));
}

/** Covers part of a file system by a mount: a clone must have what is underneath. */
const mountOver = "mount -t tmpfs none /opt && echo foreign > /opt/foreign && mount --bind / /mnt && " +
  "mount --bind /opt/foreign /etc/issue";

/** The agent's messages go to the serial console, and so into the lab's logs. */
function startAgent({ url, token }: ProductServer): string {
  const command = `exec /${productPath} agent template --name ${templateName} > /dev/ttyS0 2>&1`;
  const environment = `--setenv=RACKSEED_SERVER=${url} --setenv=RACKSEED_TOKEN=${token}`;
  return `systemd-run --quiet --unit=rackseed-agent ${environment} sh -c '${command}'`;
}
