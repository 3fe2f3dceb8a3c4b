/** The terms on which a node takes part in the swarm: its upload limit, its rack, how long it seeds at most. */
import type { NodeSettings, Order, ReportAnswer } from "#contract/api.ts";
import type { SeedPolicy, SwarmSettings } from "#contract/api/distribution.ts";
import type { RackNode, RackRegistry } from "./rack_registry.ts";

interface TermsNode extends RackNode {
  readonly settings: Pick<NodeSettings, "rack" | "uploadLimit">;
}

interface TermsOptions {
  readonly settings: () => SwarmSettings;
  readonly racks: RackRegistry;
}

type Terms = Pick<Order["swarm"], "uploadLimit" | "racks" | "seedSeconds">;

export class SwarmTerms {
  readonly #options: TermsOptions;

  constructor(options: TermsOptions) {
    this.#options = options;
  }

  /** The deployment's own policy, else the site's. */
  seedPolicy(own: SeedPolicy | undefined): SeedPolicy {
    return own ?? this.#options.settings().seed;
  }

  /** Sent with the order. `seed`: the deployment's own policy. */
  ofOrder(node: TermsNode, { address, seed }: { address: string; seed: SeedPolicy | undefined }): Terms {
    const policy = this.seedPolicy(seed);
    return {
      ...this.#limit(node),
      racks: this.#options.racks.racksOf(node, address),
      seedSeconds: policy.mode === "none" ? 0 : policy.seconds,
    };
  }

  /** Sent with the answer to a report. `known`: the revision of the racks that the node has. */
  changes(
    node: TermsNode,
    { address, known }: { address: string; known: string | undefined },
  ): Pick<ReportAnswer, "uploadLimit" | "racks"> {
    const limit = this.#limit(node);
    if (known === undefined) return limit;
    const racks = this.#options.racks.racksOf(node, address);
    return racks.revision === known ? limit : { ...limit, racks };
  }

  /** Its own limit, else the site's. */
  #limit({ settings: { uploadLimit } }: TermsNode): { uploadLimit?: number } {
    const limit = uploadLimit ?? this.#options.settings().nodeUploadLimit ?? "off";
    return limit === "off" ? {} : { uploadLimit: limit };
  }
}
