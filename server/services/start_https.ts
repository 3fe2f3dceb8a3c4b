/** HTTPS: the API and the page. */
import { issueServerCertificate } from "../access/tls.ts";
import type { Authority } from "../access/tls.ts";
import { HttpService } from "../connections/serve.ts";
import type { SiteAddresses } from "../connections/site_addresses.ts";
import { createApp } from "../web/app.ts";
import type { ApiContext } from "../web/context.ts";
import { bind } from "./bind.ts";
import { type SiteHttps, startSiteHttps } from "./site_https.ts";
import type { StartContext } from "./start_context.ts";

const ANY = ["0.0.0.0", "::"];

interface Https {
  readonly port: number;
  /** The server as commands and agents reach it, "https://10.0.0.1:8443". */
  readonly url: string;
  readonly site: SiteHttps | undefined;
}

export async function startHttps(
  context: StartContext,
  { api, authority }: { api: ApiContext; authority: Authority },
): Promise<Https> {
  const { site, reaper, stack } = context;
  const app = createApp(api, { caPem: authority.pem });
  const handler: Parameters<typeof startSiteHttps>[1]["handler"] = (request, info) =>
    app.fetch(request, { info });
  const { port } = stack.use(
    await bind({ protocol: "tcp", port: site.listen.port }, {
      action: "serve HTTPS",
      start: async () =>
        new HttpService({
          ...site.listen,
          ...await issueServerCertificate(authority, certificateNames(site)),
        }, {
          name: "https",
          reaper,
          handler,
        }),
    }),
  );
  const host = ANY.includes(site.listen.hostname) ? site.advertised : site.listen.hostname;
  return {
    port,
    url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    site: await startSiteHttps(context, { handler }),
  };
}

/** Every name under which the server may be reached. */
function certificateNames({ advertised, listen }: SiteAddresses): string[] {
  const local = Deno.networkInterfaces().map((i) => i.address.replace(/%.*/, ""));
  const named = ANY.includes(listen.hostname) ? [] : [listen.hostname];
  return [...local, "127.0.0.1", "localhost", Deno.hostname(), advertised, ...named];
}
