/** A BMC's virtual CD drive: an image that the BMC fetches from a URL while the machine reads it (DSP2046, VirtualMedia). */
import { RackseedError } from "#contract/errors.ts";
import type { Pause } from "../power_driver.ts";
import { refused, unsupported } from "../power_error.ts";
import type { RedfishClient } from "./redfish_client.ts";
import { Collection, type ComputerSystem, Manager, VirtualMedia } from "./resources.ts";

interface DriveContext {
  readonly client: RedfishClient;
  readonly system: ComputerSystem;
  /** The action and its subject, for messages. */
  readonly title: string;
  readonly pause: Pause;
  readonly signal: AbortSignal;
}

interface Drive {
  readonly path: string;
  readonly value: VirtualMedia;
  readonly etags: readonly (string | undefined)[];
}

const MAX_DRIVES = 16;
const POLL_MS = 2000, POLLS = 15;

/** Ejects what is in the drive first. Throws RackseedError, also if the BMC does not show the image afterwards. */
export async function insertMedium(url: string, context: DriveContext): Promise<void> {
  const { client } = context;
  const drive = await findDrive(context);
  if (drive.value.Inserted) await eject(drive, context);
  const { target } = drive.value.Actions?.["#VirtualMedia.InsertMedia"] ?? {};
  if (target === undefined) {
    // a Lenovo XCC takes it as a property (openstack/sushy, virtual media via PATCH)
    await client.patch(drive.path, { body: { Image: url, Inserted: true }, etags: drive.etags });
  } else {
    await firstAccepted(bodiesOf(url), (body) => client.post(client.path(target), body));
  }
  await reach(context, { path: drive.path, inserted: true });
}

/** Nothing happens if the drive is empty. Throws RackseedError. */
export async function ejectMedium(context: DriveContext): Promise<void> {
  const drive = await findDrive(context);
  if (!drive.value.Inserted) return;
  await eject(drive, context);
  await reach(context, { path: drive.path, inserted: false });
}

async function eject({ path, value, etags }: Drive, { client }: DriveContext): Promise<void> {
  const { target } = value.Actions?.["#VirtualMedia.EjectMedia"] ?? {};
  if (target === undefined) await client.patch(path, { body: { Image: null, Inserted: false }, etags });
  else await client.post(client.path(target), {});
}

/** What services take differs: some refuse properties that they do not know, some demand the protocol's name. */
function bodiesOf(url: string): Record<string, unknown>[] {
  const protocol = new URL(url).protocol.replace(":", "").toUpperCase();
  return [
    { Image: url, Inserted: true, WriteProtected: true },
    { Image: url },
    { Image: url, TransferProtocolType: protocol, TransferMethod: "Stream" },
  ];
}

/** Throws the first refusal if all are refused. */
async function firstAccepted<T>(bodies: readonly T[], send: (body: T) => Promise<void>): Promise<void> {
  let first: unknown;
  for (const body of bodies) {
    try {
      return await send(body);
    } catch (error) {
      if (!(error instanceof RackseedError) || error.status !== 502) throw error;
      first ??= error;
    }
  }
  throw first;
}

/** The system's own drives (since 2020), or those of the manager that it belongs to. */
async function findDrive(context: DriveContext): Promise<Drive> {
  const { client, system, title } = context;
  const links = [
    system.VirtualMedia,
    ...await Promise.all(
      (system.Links?.ManagedBy ?? []).slice(0, 4).map(async (link) =>
        (await client.find(client.path(link["@odata.id"]), Manager))?.value.VirtualMedia
      ),
    ),
  ].filter((link) => link !== undefined);
  for (const link of links) {
    const members = (await client.find(client.path(link["@odata.id"]), Collection))?.value.Members ?? [];
    for (const member of members.slice(0, MAX_DRIVES)) {
      const path = client.path(member["@odata.id"]);
      const found = await client.find(path, VirtualMedia);
      const isCd = found?.value.MediaTypes?.some((type) => type === "CD" || type === "DVD");
      if (found && isCd) return { path, value: found.value, etags: [found.etag, found.value["@odata.etag"]] };
    }
  }
  throw unsupported(title, {
    what: "a virtual CD drive, or its licence does not",
    instead: "start the machine by the network, or by a stick (`rackseed medium -o /dev/sdX`).",
  });
}

async function reach(
  { client, title, pause, signal }: DriveContext,
  { path, inserted }: { readonly path: string; readonly inserted: boolean },
): Promise<void> {
  for (let polls = 0;; polls++) {
    const { value } = await client.get(path, VirtualMedia);
    if ((value.Inserted ?? false) === inserted) return;
    if (polls >= POLLS) break;
    await pause(POLL_MS, signal);
  }
  throw refused(title, {
    reason: inserted
      ? `the BMC accepted the medium, but its virtual drive is still empty after ${
        POLLS * POLL_MS / 1000
      } s; it ` +
        "may not reach this server, or not accept its certificate"
      : `the BMC accepted the order, but the medium is still in its virtual drive`,
  });
}
