/** A machine that boots from the network: it is noted, and if it is armed, gets its image and a boot token. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import type { Deployments } from "../store/deployments.ts";
import type { Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { BootRestores } from "./boot_restores.ts";

const log = getLogger(["rackseed", "nodes"]);

interface NetbootSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly bootRestores: BootRestores;
  /** Pin of the server's CA, for the boot tokens. */
  readonly pin: string;
  readonly onChange: (node: NodeRecord) => void;
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
   * Records that a machine asked how to boot, so that it is shown from now on. If that cannot be written, as on a
   * full disk, the machine still boots.
   */
  noteBoot(mac: string): void {
    const { nodes, onChange } = this.#sources;
    try {
      const discovered = nodes.discover(mac);
      if (discovered) onChange(discovered);
    } catch (error) {
      log.error("boot-not-noted", { mac, error: messageOf(error) });
    }
  }

  /** Issues a fresh boot token if the machine is armed; undefined if it is not. */
  issue(mac: string): NetbootOrder | undefined {
    const { nodes, deployments, bootRestores, pin } = this.#sources;
    const node = nodes.byMac(mac);
    const order = node && (deployments.active(node.id) ?? bootRestores.atBoot(node));
    if (!order) return undefined;
    const secret = deployments.issueBootSecret(node.id);
    if (secret === undefined) return undefined;
    return { node, image: order.image, version: order.version, token: formatToken({ pin, secret }) };
  }
}
