/** A container image becomes a version, the version a disk, and the disk a machine that boots. */
import type { Check } from "./check.ts";
import { run } from "./command.ts";
import { removed } from "./container_image.ts";
import { Guest } from "./guest.ts";
import { importContainer } from "./import_container.ts";
import { ProductServer } from "./product_server.ts";
import { shutdownMs, VirtualMachine } from "./qemu.ts";
import { ipv4 } from "./addresses.ts";
import type { Workplace } from "./workplace.ts";

const image = "edge", host = "exported", address = "10.77.0.30", mac = "52:54:00:77:00:30";

export async function bootContainer(lab: Workplace): Promise<Check[]> {
  const { timeline, folder, signal, firmware, network, sshKey, keep } = lab;
  await using server = await timeline.measure("server: started", () => ProductServer.start(lab));
  await importContainer(lab, { image, server });
  const disk = `${folder}/exported.qcow2`;
  const more = ["--emulate", "--hostname", host, "--mac", mac, "--size", "3G"];
  await timeline.measure(
    "disk: exported",
    () => server.rackseedWithPrograms("image", "export-disk", image, "-o", disk, ...more),
  );
  const raw = `${folder}/exported.img`;
  await run(["qemu-img", "convert", "-O", "raw", disk, raw], { signal });
  // the machine has its address by DHCP
  await server.rackseed("node", "set", host, "--mac", mac, "--address", `${address}/${ipv4.prefix}`);
  await using machine = await VirtualMachine.start({
    name: host,
    mac,
    disks: [{ path: raw, serial: host }],
    firmware,
    network,
    folder,
    signal,
    memoryMiB: 1024,
    bootOrder: "disk-first",
    serialLog: `${keep}/${host}.serial.log`,
  });
  lab.transcripts.push(machine.serial);
  await timeline.measure(
    "disk: power-on to login prompt",
    () => machine.serial.expect(`${host} login:`, { timeoutMs: 600_000 }),
  );
  const guest = new Guest(network, { address, key: sshKey.path });
  const greeting = await timeline.measure("disk: application answers", () => guest.greeting(lab));
  const failedUnits = (await guest.shell("systemctl --failed --no-legend --plain", lab)).trim();
  const left = (await guest.shell(`ls /${removed.folder}`, lab)).split("\n");
  await guest.powerOff(lab);
  await machine.exited({ timeoutMs: shutdownMs });
  const nodes = await server.rackseed("node", "list");
  return [
    {
      what: "the exported disk boots by itself, and its application answers",
      passed: greeting.startsWith(`host=${host} `),
      seen: greeting,
    },
    { what: "all units started", passed: failedUnits === "", seen: failedUnits || "none failed" },
    {
      what: "what the upper layer removes is gone",
      passed: !left.includes(removed.name),
      seen: left.join(" "),
    },
    {
      what: "no node is left at the server but the one that was made for the address",
      passed: !/export-/.test(nodes),
      seen: nodes.trim(),
    },
  ];
}
