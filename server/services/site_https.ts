/** HTTPS for people's browsers, with a certificate of the site's own, on a port of its own. */
import { getLogger } from "@logtape/logtape";
import { readSiteCertificate, type SiteCertificate } from "../access/site_certificate.ts";
import { DEFAULT_SITE_PORT } from "../cli/defaults.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { HttpService } from "../connections/serve.ts";
import { bind } from "./bind.ts";
import type { StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "https"]);
/** Certificates are renewed weeks before their end. */
const WARN_MS = 14 * 24 * 60 * 60_000;

export interface SiteHttps {
  readonly port: number;
  /** Reads the certificate again. Throws RackseedError, and goes on with the one it has, if it is not usable. */
  reload(options: ServerOptions): void;
}

/** Undefined without --tls-cert. */
export async function startSiteHttps(
  { options, site, reaper, stack, now }: StartContext,
  { handler }: { handler: ConstructorParameters<typeof HttpService>[1]["handler"] },
): Promise<SiteHttps | undefined> {
  const certificate = readSiteCertificate(options);
  if (certificate === undefined) return undefined;
  const address = options.siteListen ?? { hostname: site.listen.hostname, port: DEFAULT_SITE_PORT };
  const service = stack.use(
    await bind({ protocol: "tcp", port: address.port }, {
      action: "serve HTTPS with the site's certificate",
      start: () => new HttpService({ ...address, ...pairOf(certificate) }, { name: "site", reaper, handler }),
    }),
  );
  report(certificate, now());
  return {
    port: service.port,
    reload(changed) {
      const renewed = readSiteCertificate(changed);
      if (renewed === undefined) return;
      service.present(pairOf(renewed));
      report(renewed, now());
    },
  };
}

function pairOf({ cert, key }: SiteCertificate): { cert: string; key: string } {
  return { cert, key };
}

function report({ notAfter }: SiteCertificate, nowMs: number): void {
  const ends = notAfter.toISOString();
  if (notAfter.getTime() - nowMs > WARN_MS) log.info("site-certificate", { ends });
  else log.warn("site-certificate-ends", { ends, remedy: "renew it, and reload the server." });
}
