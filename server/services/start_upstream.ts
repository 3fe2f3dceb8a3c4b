/** The upstream, if the settings name one: this server is then the relay of a site. */
import settings from "../../deno.json" with { type: "json" };
import { messageOf, RackseedError } from "#contract/errors.ts";
import { getLogger } from "@logtape/logtape";
import { RateLimit } from "#torrent/rate_limit.ts";
import type { PeerListener } from "#torrent/session/peer_listener.ts";
import type { PublishPorts } from "../capture/publish.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Publish, SwarmAddresses } from "../fleet/ports.ts";
import { describeUses, usesOfVersions } from "../fleet/version_users.ts";
import type { ImageService } from "../images/image_service.ts";
import type { Notices } from "../images/notices.ts";
import type { ScheduleView } from "#contract/api/schedules.ts";
import { Mirror } from "../upstream/mirror.ts";
import { Upstream } from "../upstream/upstream.ts";
import { UpstreamLink } from "../upstream/upstream_link.ts";
import { isWithin } from "../words/daily_hours.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "upstream"]);

interface UpstreamParts {
  readonly data: ServerData;
  readonly images: ImageService;
  readonly fleet: Fleet;
  readonly schedules: { list(): ScheduleView[] };
  readonly notices: Notices;
  readonly peers: PeerListener;
  /** Of versions that are mirrored. */
  readonly makeBoot: PublishPorts["makeBoot"];
  readonly swarm: SwarmAddresses;
  readonly publish: Publish;
}

/** Undefined if there is none: what an earlier start kept about one is then forgotten. */
export function startUpstream(
  { options, stack, closing: signal, now }: StartContext,
  { data, images, fleet, schedules, notices, peers, makeBoot, swarm, publish }: UpstreamParts,
): Upstream | undefined {
  const { upstream: url, upstreamRate = "off", upstreamHours } = options, { upstream: table, store } = data;
  if (url === undefined) {
    table.forget();
    return undefined;
  }
  const onImages = () => publish({ type: "images" });
  const deleteUnneeded = async (version: { readonly image: string; readonly version: number }) => {
    const uses = usesOfVersions({ nodes: fleet.versionUsers(), schedules: schedules.list(), images });
    if (describeUses(uses({ ...version, tags: [] })).length > 0) return;
    const ref = `${version.image}@${version.version}`;
    try {
      await images.delete(ref);
    } catch (error) {
      // it is being deployed
      if (error instanceof RackseedError && error.status === 409) return;
      log.error("not-deleted", { image: ref, error: messageOf(error) });
    }
    onImages();
  };
  const mirror = new Mirror({
    store,
    table,
    serve: (ref) => images.serve(ref),
    deleteUnneeded,
    makeBoot,
    swarm,
    network: peers,
    limit: new RateLimit(upstreamRate === "off" ? Infinity : upstreamRate),
    isOpen: () => upstreamHours === undefined || isWithin(upstreamHours, new Date(now())),
    onImages,
    now,
    signal,
  });
  return stack.use(
    new Upstream({
      url,
      rackseed: settings.version,
      link: new UpstreamLink({ url, tokenFile: options.upstreamTokenFile, table, now }),
      table,
      mirror,
      nodes: () => fleet.list(),
      notices,
      now,
      signal,
    }),
  );
}
