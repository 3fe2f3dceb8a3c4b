/**
 * This machine's hardware for storage and network, by modalias: what an image's kernel must have drivers for. Includes
 * controllers that have no driver here, since another image's kernel may have one.
 */
import type { Inventory } from "#contract/api.ts";
import { KERNEL, type KernelTrees } from "../layout/disks.ts";
import { firstLine, linkName, namesIn } from "../sys/small_file.ts";

type Controller = NonNullable<Inventory["controllers"]>[number];

const MAX_CONTROLLERS = 128;

/**
 * PCI classes (PCI Code and ID Assignment Specification): storage and network; SD hosts; USB, Fibre Channel and
 * InfiniBand controllers.
 */
const PCI_CLASSES = /^0x(01|02|0805|0c03|0c04|0c06)/;

export async function readControllers(
  { sys }: Pick<KernelTrees, "sys"> = KERNEL,
): Promise<NonNullable<Inventory["controllers"]>> {
  const found = new Map<string, Controller>();
  const add = (controller: Controller | undefined) => {
    if (controller !== undefined) found.set(controller.modalias, controller);
  };
  for (const name of await namesIn(`${sys}/bus/pci/devices`)) {
    const at = `${sys}/bus/pci/devices/${name}`;
    if (PCI_CLASSES.test(await firstLine(`${at}/class`) ?? "")) add(await controllerAt(at));
  }
  // whatever disks and NICs hang on: USB adapters, SD hosts of ACPI, virtual buses
  for (const kind of ["block", "class/net"]) {
    for (const name of await namesIn(`${sys}/${kind}`)) {
      for (const at of await devicesAbove(`${sys}/${kind}/${name}/device`, sys)) add(await controllerAt(at));
    }
  }
  return [...found.values()].sort((a, b) => a.modalias < b.modalias ? -1 : 1).slice(0, MAX_CONTROLLERS);
}

/**
 * The storage controllers that nothing drives, as text: their disks are not seen.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const raid = { modalias: "pci:v00001000d000010E2sv00001028sd000040B1bc01sc04i00" };
 * assert.deepEqual(idleStorage([raid]), ["no driver for the storage controller PCI 1000:10e2"]);
 * assert.deepEqual(idleStorage([{ ...raid, driver: "megaraid_sas" }]), []);
 * ```
 */
export function idleStorage(controllers: readonly Controller[]): string[] {
  return controllers.flatMap(({ modalias, driver }) => {
    const [, vendor, device] = /^pci:v0000(\w{4})d0000(\w{4}).*bc01sc/.exec(modalias) ?? [];
    if (driver !== undefined || vendor === undefined) return [];
    return [`no driver for the storage controller PCI ${`${vendor}:${device}`.toLowerCase()}`];
  });
}

/** The device that a link leads to, and those that it is attached to. */
async function devicesAbove(link: string, sys: string): Promise<string[]> {
  try {
    const top = `${await Deno.realPath(sys)}/devices`;
    const device = await Deno.realPath(link);
    const above: string[] = [];
    for (let at = device; at.startsWith(`${top}/`); at = at.slice(0, at.lastIndexOf("/"))) above.push(at);
    return above;
  } catch {
    return [];
  }
}

async function controllerAt(at: string): Promise<Controller | undefined> {
  const modalias = await firstLine(`${at}/modalias`);
  if (modalias === undefined || modalias.length > 255) return undefined;
  const driver = await linkName(`${at}/driver`);
  return { modalias, ...(driver && { driver: driver.slice(0, 64) }) };
}
