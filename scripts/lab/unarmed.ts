/** Machines without an order: they boot from the network and end at their own disk, which stays unchanged. */
import type { Check } from "./check.ts";
import { sha256 } from "./check_disks.ts";
import { ownDiskLine, writeOwnDisk } from "./own_disk.ts";
import { ProductServer } from "./product_server.ts";
import { VirtualMachine } from "./qemu.ts";
import { nodeFacts, type Workplace } from "./workplace.ts";

/** Checks a machine that the server has never seen, and a known one that is not armed. */
export async function checkUnarmed(lab: Workplace): Promise<Check[]> {
  await using server = await ProductServer.start(lab);
  const [unknown, known] = [nodeFacts(101), nodeFacts(102)];
  await server.rackseed("node", "set", known.name, "--mac", known.mac, "--hostname", known.name);
  return await lab.together([
    bootsItsOwnDisk(lab, { ...unknown, what: "an unknown machine" }),
    bootsItsOwnDisk(lab, { ...known, what: "a known machine that is not armed" }),
  ]);
}

async function bootsItsOwnDisk(
  lab: Workplace,
  { name, mac, what }: { readonly name: string; readonly mac: string; readonly what: string },
): Promise<Check> {
  const { firmware, network, addresses, ipv6, folder, signal } = lab;
  const disk = `${folder}/${name}.img`;
  await writeOwnDisk(disk, { firmware });
  const before = await sha256(disk);
  await lab.timeline.measure(`${name}: power-on to its own disk`, async () => {
    await using machine = await VirtualMachine.start({
      name,
      mac,
      disks: [{ path: disk, serial: `${name}-disk` }],
      firmware,
      network,
      ipv6,
      folder,
      signal,
      memoryMiB: 512,
      bootOrder: "network-first",
      serialLog: `${lab.keep}/${name}.serial.log`,
    });
    lab.transcripts.push(machine.serial);
    await machine.serial.expect(addresses.server, { timeoutMs: 300_000 });
    await machine.serial.expect(ownDiskLine, { timeoutMs: 300_000 });
  });
  const after = await sha256(disk);
  return {
    what: `${what} boots from the network: it ends at its own disk, which is unchanged`,
    passed: before === after,
    seen: before === after
      ? `SHA-256 ${before} before and after`
      : `SHA-256 ${before} before, ${after} after`,
  };
}
