/** A machine that boots from the network: it is noted, and if it is armed, gets its image and a boot token. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import type { Deployments } from "../store/deployments.ts";
import type { BootLog } from "./history/boot_log.ts";
import type { Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { BootRestores } from "./boot_restores.ts";
import type { Glimpse } from "../store/sightings.ts";

const log = getLogger(["rackseed", "nodes"]);

interface NetbootSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly bootRestores: BootRestores;
  readonly boots: BootLog;
  /** Pin of the server's CA, for the boot tokens. */
  readonly pin: string;
  readonly onChange: (node: NodeRecord) => void;
  /** A machine, by id, was forgotten because too many others appeared. */
  readonly onForgotten: (id: string) => void;
}

/** An armed node's image, and the one-time token of this boot. */
interface NetbootOrder {
  readonly node: NodeRecord;
  readonly image: string;
  readonly version: number;
  readonly token: string;
}

export class NetbootOrders {
  readonly #sources: NetbootSources;

  constructor(sources: NetbootSources) {
    this.#sources = sources;
  }

  /**
   * Records that a machine asked for an address or a boot file, so that it is shown from now on. If that cannot be
   * written, as on a full disk, the machine still boots.
   */
  noteSeen(mac: string, glimpse: Glimpse): void {
    const { nodes, deployments, onChange, onForgotten } = this.#sources;
    try {
      const kept = ({ id }: NodeRecord) => deployments.active(id) !== undefined;
      const { changed, forgotten } = nodes.discover(mac, glimpse, { kept });
      for (const { id } of forgotten) {
        deployments.forgetNode(id);
        onForgotten(id);
      }
      if (changed) onChange(changed);
    } catch (error) {
      log.error("sighting-not-noted", { mac, error: messageOf(error) });
    }
  }

  /** The image that the machine is armed with, "web@3"; undefined as in `issue`. Changes nothing. */
  armedWith(mac: string): string | undefined {
    const { nodes, deployments } = this.#sources;
    const node = nodes.byMac(mac), order = node && deployments.active(node.id);
    return order && !deployments.isHeld(order) ? `${order.image}@${order.version}` : undefined;
  }

  /** The version that was last installed or restored on the machine, "web@3". */
  installed(mac: string): string | undefined {
    const { nodes, deployments } = this.#sources;
    const node = nodes.byMac(mac), order = node && deployments.assigned(node.id);
    return order && `${order.image}@${order.version}`;
  }

  /** Issues a fresh boot token if the machine is armed; undefined if it is not, or if its deployment is paused. */
  issue(mac: string): NetbootOrder | undefined {
    const { nodes, deployments, bootRestores, boots, pin } = this.#sources;
    const node = nodes.byMac(mac);
    if (!node) return undefined;
    const found = deployments.active(node.id) ?? bootRestores.atBoot(node);
    const order = found && !deployments.isHeld(found) ? found : undefined;
    boots.note(node, order && { image: `${order.image}@${order.version}` });
    if (!order) return undefined;
    const secret = deployments.issueBootSecret(node.id);
    if (secret === undefined) return undefined;
    return { node, image: order.image, version: order.version, token: formatToken({ pin, secret }) };
  }
}
