/** A node's first words with the server, and what it is told to do. */
import { BackupOrder, type Inventory, Order } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Header, parseHeader, verifyManifestId } from "#contract/format/manifest.ts";
import { SEALED_KEY_BYTES } from "#contract/format/sealed.ts";
import { z } from "zod";

export interface Enrolled {
  readonly client: ApiClient;
  readonly order: Order;
  readonly header: Header;
  /** The lineage's key. */
  readonly key: Uint8Array;
}

/** The order to install before it is believed. */
type Told = Pick<Enrolled, "client" | "order">;

/** Of a node that is to be backed up. */
export interface EnrolledBackup {
  readonly client: ApiClient;
  readonly order: BackupOrder;
}

interface Enrolment {
  readonly server: string;
  readonly token: string;
  /** Or it is being gathered, while the server is reached. */
  readonly inventory: Inventory | Promise<Inventory>;
  readonly signal: AbortSignal;
}

/** A switch's port may need half a minute before it lets traffic through. */
const REACH_MS = 90_000;

/** Throws RackseedError where the server is not reached, or does not know the token. */
export async function enrol(options: Enrolment): Promise<Told> {
  const enrolled = await enrolMachine(options);
  if (!isBackup(enrolled)) return enrolled;
  enrolled.client[Symbol.dispose]();
  throw new RangeError("a backup was ordered, and not an installation");
}

/** The same for a machine, which may be told to be backed up, too. */
export async function enrolMachine(
  { server, token, inventory, signal }: Enrolment,
): Promise<Told | EnrolledBackup> {
  const client = await connect({ server, token, signal });
  try {
    // neither can be taken for the other: each lacks what the other must have
    const schema = z.union([Order, BackupOrder]);
    const body = { inventory: await inventory };
    const order = await client.post("/node/enrol", { body, schema, signal });
    client.useSession(order.session);
    return "backup" in order ? { client, order } : { client, order };
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

export function isBackup(enrolled: Told | EnrolledBackup): enrolled is EnrolledBackup {
  return "backup" in enrolled.order;
}

/** The order as it may be carried out. Throws RackseedError where another image was signed than is ordered. */
export function believed({ client, order }: Told): Enrolled {
  return { client, order, header: believedHeader(order), key: keyOf(order) };
}

async function connect(options: { server: string; token: string; signal: AbortSignal }): Promise<ApiClient> {
  const deadline = performance.now() + REACH_MS;
  for (;;) {
    try {
      return await ApiClient.connect(options);
    } catch (error) {
      const unreachable = error instanceof RackseedError && error.status === 503;
      if (!unreachable || options.signal.aborted || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 + Math.random() * 1000));
    }
  }
}

function believedHeader({ image, version, manifest }: Order): Header {
  if (!verifyManifestId(manifest.id, manifest)) {
    throw new RackseedError(`cannot believe the order to install ${image}@${version}`, {
      reason: "the manifest's signature is not good.",
      remedy: "verify the image on the server, then deploy again.",
    });
  }
  const header = parseHeader(manifest.header);
  if (header.image === image && header.version === version) return header;
  throw new RackseedError(`cannot believe the order to install ${image}@${version}`, {
    reason: `its manifest is that of ${header.image}@${header.version}.`,
    remedy: "verify the image on the server, then deploy again.",
  });
}

function keyOf({ key }: Order): Uint8Array {
  const bytes = Buffer.from(key, "base64");
  if (bytes.length === SEALED_KEY_BYTES) return bytes;
  throw new RangeError("the order's key has another length than a key");
}
