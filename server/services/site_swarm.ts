/** The site's swarm settings, and the server's own upload limit, which follows them. */
import { getLogger } from "@logtape/logtape";
import type { SwarmChange, SwarmSettings } from "#contract/api/distribution.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import type { SwarmSettingsStore } from "../store/swarm_settings.ts";
import type { SwarmControl } from "../fleet/ports.ts";

const log = getLogger(["rackseed", "swarm"]);

export class SiteSwarm implements SwarmControl {
  readonly #store: SwarmSettingsStore;
  readonly uplink: RateLimit;
  readonly #onChange: (settings: SwarmSettings) => void;

  /** `uploadLimit`: the limit the server was started with, which replaces the stored one. */
  constructor(
    store: SwarmSettingsStore,
    { uplink, uploadLimit, onChange }: {
      uplink: RateLimit;
      uploadLimit?: number | "off" | undefined;
      onChange: (settings: SwarmSettings) => void;
    },
  ) {
    this.#store = store;
    this.#onChange = onChange;
    this.uplink = uplink;
    if (uploadLimit !== undefined) store.change({ uploadLimit: uploadLimit === "off" ? null : uploadLimit });
    this.#apply();
  }

  settings(): SwarmSettings {
    return this.#store.value;
  }

  change(change: SwarmChange): SwarmSettings {
    const settings = this.#store.change(change);
    this.#apply();
    this.#onChange(settings);
    log.info("swarm-set", { ...settings });
    return settings;
  }

  /** By the server's own settings: undefined keeps the limit as it is. */
  limitUploads(limit: number | "off" | undefined): void {
    if (limit !== undefined) this.change({ uploadLimit: limit === "off" ? null : limit });
  }

  #apply(): void {
    this.uplink.bytesPerSecond = this.#store.value.uploadLimit ?? Infinity;
  }
}
