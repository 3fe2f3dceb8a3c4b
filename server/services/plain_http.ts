/**
 * Plain HTTP, for what firmware, trackers' clients and clones ask before they have a token: boot files, announce
 * and scrape, the web seed, the report of a first boot.
 */
import { FIRST_BOOT_PATH } from "#contract/api/first_boot.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import type { BootFile } from "../../boot/boot_file.ts";
import { handleBoot } from "../../boot/http.ts";
import { CHALLENGES } from "../access/acme_client.ts";
import { HttpService } from "../connections/serve.ts";
import type { CloneReports } from "../fleet/first_boot/clone_reports.ts";
import type { ImageService } from "../images/image_service.ts";
import { handleAnnounce, handleScrape } from "../swarm/http_tracker.ts";
import type { Tracker } from "../swarm/tracker.ts";
import { handleWebSeed } from "../swarm/web_seed.ts";
import { handleFirstBoot } from "../web/first_boot_http.ts";
import { bind } from "./bind.ts";
import type { StartContext } from "./start_context.ts";

export const SEED_PREFIX = "/seed/";

type PlainHandler = (request: Request, client: Deno.NetAddr) => Response | Promise<Response>;

const LOCAL: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 0 };

interface PlainHttp {
  readonly port: number;
  /** Whether it accepts connections and answers them. */
  isReady(): boolean;
  /** Until it is called, every request is answered with 503: what is served needs the port to be known first. */
  answerWith(handler: PlainHandler): void;
  /** A boot file, for those who reach the server by HTTPS only. */
  bootFile(name: string): Response | Promise<Response>;
}

export async function startPlainHttp(
  { options: { httpPort: port }, site, reaper, stack }: StartContext,
): Promise<PlainHttp> {
  let handle: PlainHandler = notReady;
  const service = stack.use(
    await bind({ protocol: "tcp", port }, {
      action: "serve plain HTTP",
      start: () =>
        new HttpService({ hostname: site.bind, port }, {
          name: "http",
          reaper,
          handler: (request, info) => handle(request, info.remoteAddr),
        }),
    }),
  );
  return {
    port: service.port,
    isReady: () => service.isListening && handle !== notReady,
    answerWith: (handler) => handle = handler,
    bootFile: (name) => handle(new Request(`http://localhost/boot/${name}`), LOCAL),
  };
}

interface PlainSources {
  /** `address`: the client's. */
  readonly bootFiles: {
    lookup(name: string, client: { readonly address: string }): BootFile | undefined;
  };
  readonly tracker: Tracker;
  readonly clones: CloneReports;
  readonly images: Pick<ImageService, "webSeedFile">;
  readonly uplink: RateLimit;
  /** Called with bytes that the web seed sends. */
  readonly onSent: (bytes: number) => void;
  /** Of an ACME authority; see site_https.ts. */
  readonly answerChallenge: ((pathname: string) => Response) | undefined;
  readonly now: () => number;
}

export function plainHandler(
  { bootFiles, tracker, clones, images, uplink, onSent, answerChallenge, now }: PlainSources,
): PlainHandler {
  return (request, { hostname }) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/boot/")) {
      return handleBoot(request, { lookup: (name) => bootFiles.lookup(name, { address: hostname }) });
    }
    if (pathname === "/announce") return handleAnnounce(request, { hostname, tracker, now: now() });
    if (pathname === FIRST_BOOT_PATH) return handleFirstBoot(request, { clones, address: hostname });
    if (pathname === "/scrape") return handleScrape(request, { tracker, now: now() });
    if (pathname.startsWith(SEED_PREFIX)) {
      const lookup = (name: Parameters<typeof images.webSeedFile>[0]) => images.webSeedFile(name);
      return handleWebSeed(request, { prefix: SEED_PREFIX, lookup, uploadLimit: uplink, onSent });
    }
    if (answerChallenge && pathname.startsWith(CHALLENGES)) return answerChallenge(pathname);
    return new Response("not found\n", { status: 404 });
  };
}

function notReady(): Response {
  return new Response("starting\n", { status: 503, headers: { "retry-after": "1" } });
}
