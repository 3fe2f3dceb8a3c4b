/** What the desk's live feed reads from the other rooms. */
import settings from "../../deno.json" with { type: "json" };
import type { Fleet } from "../fleet/fleet.ts";
import type { Captures, SwarmControl } from "../fleet/ports.ts";
import type { Notices } from "../images/notices.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Templates } from "../store/templates.ts";
import type { Seeder } from "../swarm/seeder.ts";
import type { DeskSources } from "../web/desk_feed.ts";
import { RECENT_CAPTURES } from "../web/routes/events.ts";
import type { ServerData } from "./open_data.ts";

interface Rooms {
  readonly data: ServerData;
  readonly metrics: Metrics;
  readonly fleet: Fleet;
  readonly templates: Templates;
  readonly captures: Captures;
  readonly served: {
    readonly notices: Notices;
    readonly swarm: { readonly seeder: Seeder; readonly site: SwarmControl };
  };
}

export function deskSources({ data, metrics, fleet, templates, captures, served }: Rooms): DeskSources {
  const { directory, store } = data, { notices, swarm: { seeder, site } } = served;
  return {
    nodes: () => fleet.list(),
    lists: () => ({
      machines: fleet.machines.list(),
      templates: templates.list(),
      captures: captures.list().slice(-RECENT_CAPTURES),
      notices: notices.list(),
      swarm: site.settings(),
    }),
    site: () => ({
      version: settings.version,
      ...directory.space(),
      packBytes: store.usage().packBytes,
      sentBytes: seeder.uploadedBytes +
        Object.values(metrics.traffic.sentBytes).reduce((sum, n) => sum + n, 0),
      atMs: Date.now(),
    }),
  };
}
