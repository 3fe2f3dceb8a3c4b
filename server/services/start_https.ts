/** HTTPS: the API and the page. */
import { issueServerCertificate } from "../access/tls.ts";
import type { Authority } from "../access/tls.ts";
import { HttpService } from "../connections/serve.ts";
import { inUrl, type SiteAddresses } from "../connections/site_addresses.ts";
import type { Notices } from "../images/notices.ts";
import { createApp } from "../web/app.ts";
import type { ApiContext } from "../web/context.ts";
import { bind } from "./bind.ts";
import { type SiteHttps, startSiteHttps } from "./site_https.ts";
import type { StartContext } from "./start_context.ts";

const ANY = ["0.0.0.0", "::"];

interface Https {
  readonly port: number;
  readonly isListening: () => boolean;
  /** In PEM, the server's own first. */
  readonly certificates: string;
  /** The server as commands and agents reach it, "https://10.0.0.1:8443". */
  readonly url: string;
  readonly site: SiteHttps | undefined;
}

export async function startHttps(
  context: StartContext,
  { api, authority, notices }: { api: ApiContext; authority: Authority; notices: Notices },
): Promise<Https> {
  const { site, reaper, stack } = context;
  const app = createApp(api, { caPem: authority.pem });
  const handler: Parameters<typeof startSiteHttps>[1]["handler"] = (request, info) =>
    app.fetch(request, { info });
  const issued = await issueServerCertificate(authority, certificateNames(site));
  const service = stack.use(
    await bind({ protocol: "tcp", port: site.listen.port }, {
      action: "serve HTTPS",
      start: () =>
        new HttpService({ ...site.listen, ...issued }, {
          name: "https",
          reaper,
          handler,
        }),
    }),
  );
  const { port } = service;
  const isListening = () => service.isListening;
  return {
    port,
    isListening,
    certificates: issued.cert,
    site: await startSiteHttps(context, { handler, own: issued, notices }),
    url: urlOf(site, port),
  };
}

/** The server as commands and agents reach it. */
export function urlOf({ advertised, listen }: SiteAddresses, port: number): string {
  const host = ANY.includes(listen.hostname) ? advertised : listen.hostname;
  return `https://${inUrl(host)}:${port}`;
}

/** Every name under which the server may be reached. */
export function certificateNames({ advertised, listen }: SiteAddresses): string[] {
  const local = Deno.networkInterfaces().map((i) => i.address.replace(/%.*/, ""));
  const named = ANY.includes(listen.hostname) ? [] : [listen.hostname];
  return [...local, "127.0.0.1", "localhost", Deno.hostname(), advertised, ...named];
}
