/** A node's first words with the server, and what it is told to do. */
import { type Inventory, Order } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Header, parseHeader, verifyManifestId } from "#contract/manifest.ts";

export interface Enrolled {
  readonly client: ApiClient;
  readonly order: Order;
  readonly header: Header;
  /** The lineage's key. */
  readonly key: Uint8Array;
}

/** A switch's port may need half a minute before it lets traffic through. */
const REACH_MS = 90_000;

/** Throws RackseedError where the server is not reached, or does not know the token. */
export async function enrol(
  { server, token, inventory, signal }: {
    server: string;
    token: string;
    inventory: Inventory;
    signal: AbortSignal;
  },
): Promise<Pick<Enrolled, "client" | "order">> {
  const client = await connect({ server, token, signal });
  try {
    const order = await client.post("/node/enrol", { body: { inventory }, schema: Order, signal });
    client.useSession(order.session);
    return { client, order };
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

/** The order as it may be carried out. Throws RackseedError where another image was signed than is ordered. */
export function believed({ client, order }: Pick<Enrolled, "client" | "order">): Enrolled {
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
  if (bytes.length === 32) return bytes;
  throw new RangeError("the order's key has another length than a key");
}
