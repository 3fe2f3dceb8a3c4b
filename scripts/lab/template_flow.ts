/** From nothing to a published version: creates a Debian machine, starts it, and captures it while it runs. */
import { run } from "./command.ts";
import { debianTree } from "./debian.ts";
import { Guest } from "./guest.ts";
import type { ProductServer } from "./product_server.ts";
import { shutdownMs, VirtualMachine } from "./qemu.ts";
import { writeTemplateDisk } from "./template_disk.ts";
import { productPath, templateName } from "./template_settings.ts";
import { prefix, templateAddress, type Workplace } from "./workplace.ts";

export interface Template {
  /** Its disk at the end of the capture. */
  readonly disk: string;
  readonly machineId: string;
  readonly hostKey: string;
}

export const image = "web";

async function makeTemplateDisk(lab: Workplace): Promise<string> {
  const { timeline, cache, folder, signal, firmware } = lab;
  const tree = await timeline.measure("Debian tree", () => debianTree({ cache, work: folder, signal }));
  const disk = `${folder}/template.img`;
  await timeline.measure("template: disk written", () =>
    writeTemplateDisk({
      firmware,
      tree,
      dataMiB: lab.dataMiB,
      image: disk,
      work: folder,
      address: `${templateAddress}/${prefix}`,
      authorizedKey: lab.sshKey.publicKey,
      product: lab.product,
      signal,
    }));
  return disk;
}

export async function captureTemplate(
  lab: Workplace,
  { server }: { readonly server: ProductServer },
): Promise<Template> {
  const { timeline, signal, folder } = lab;
  const disk = await makeTemplateDisk(lab);
  await using machine = await VirtualMachine.start({
    name: templateName,
    firmware: lab.firmware,
    network: lab.network,
    disk,
    folder,
    signal,
    mac: "52:54:00:77:00:fe",
    memoryMiB: 1024,
    bootOrder: "disk-first",
    serialLog: `${lab.keep}/${templateName}.serial.log`,
  });
  lab.transcripts.push(machine.serial);
  await timeline.measure(
    "template: power-on to login prompt",
    () => machine.serial.expect(`${templateName} login:`, { timeoutMs: 300_000 }),
  );
  const guest = new Guest(lab.network, { address: templateAddress, key: lab.sshKey.path });
  await guest.shell(mountOver, { signal });
  await guest.shell(startAgent(server), { signal });
  await timeline.measure(
    "template: agent waits for orders",
    () => machine.serial.expect(/waiting|waits/, { timeoutMs: 180_000 }),
  );
  await timeline.measure(
    "capture: asked for to published",
    () => server.rackseed("capture", templateName, "--image", image, "--level", "3"),
  );
  const machineId = (await guest.shell("cat /etc/machine-id", { signal })).trim();
  const hostKey = (await guest.shell("cat /etc/ssh/ssh_host_ed25519_key.pub", { signal })).trim();
  await guest.shell("systemctl stop rackseed-agent; sync", { signal });
  const snapshot = `${folder}/template.snapshot.img`;
  await timeline.measure(
    "template: disk kept for comparison",
    () => machine.whilePaused(() => run(["cp", "--sparse=always", disk, snapshot], { signal })),
  );
  await guest.powerOff({ signal });
  await timeline.measure("template: shut down", () => machine.exited({ timeoutMs: shutdownMs }));
  await Deno.remove(disk);
  return { disk: snapshot, machineId, hostKey };
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
