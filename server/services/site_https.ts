/** HTTPS for people's browsers, with a certificate of the site's own, on a port of its own. */
import { getLogger } from "@logtape/logtape";
import { readSiteCertificate, type SiteCertificate } from "../access/site_certificate.ts";
import { DEFAULT_SITE_PORT } from "../cli/defaults.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { HttpService } from "../connections/serve.ts";
import type { Notices } from "../images/notices.ts";
import { AcmeCertificate } from "./acme_certificate.ts";
import { bind } from "./bind.ts";
import { every, type StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "https"]);
/** Certificates are renewed weeks before their end. */
const WARN_MS = 14 * 24 * 60 * 60_000;
/** How soon it is noticed that a certificate should be renewed. */
const RENEWAL_TICK_MS = 60_000;
/** RFC 8555 §8.3: the authority asks this port. */
const CHALLENGE_PORT = 80;

type Pair = Pick<SiteCertificate, "cert" | "key">;

interface SiteParts {
  readonly handler: ConstructorParameters<typeof HttpService>[1]["handler"];
  /** Of the server's own authority, until the site's one has issued its first. */
  readonly own: Pair;
  readonly notices: Notices;
}

export interface SiteHttps {
  readonly port: number;
  /** In PEM, as it is presented now. */
  readonly certificate: string;
  /** Answers an ACME authority that asks on the port of plain HTTP; undefined without ACME. */
  readonly answerChallenge: ((pathname: string) => Response) | undefined;
  /** Reads the certificate again. Throws RackseedError, and goes on with the one it has, if it is not usable. */
  reload(options: ServerOptions): void;
}

/** Undefined if the site has no certificate of its own: neither in files nor by ACME. */
export async function startSiteHttps(
  context: StartContext,
  parts: SiteParts,
): Promise<SiteHttps | undefined> {
  const { options, site, reaper, stack, now } = context;
  const acme = openAcme(context, parts);
  const certificate = acme?.current ?? readSiteCertificate(options);
  let shown = certificate ?? (acme && parts.own);
  if (shown === undefined) return undefined;
  const address = options.siteListen ?? { hostname: site.listen.hostname, port: DEFAULT_SITE_PORT };
  const service = stack.use(
    await bind({ protocol: "tcp", port: address.port }, {
      action: "serve HTTPS with the site's certificate",
      start: () =>
        new HttpService({ ...address, ...pairOf(shown as Pair) }, {
          name: "site",
          reaper,
          handler: parts.handler,
        }),
    }),
  );
  if (certificate) report(certificate, now());
  const present = (renewed: SiteCertificate) => {
    shown = renewed;
    service.present(pairOf(renewed));
    report(renewed, now());
  };
  if (acme) {
    void acme.check(present);
    stack.use(every(RENEWAL_TICK_MS, () => void acme.check(present)));
  }
  return {
    port: service.port,
    get certificate() {
      return shown?.cert ?? "";
    },
    answerChallenge: acme && ((pathname) => acme.answer(pathname)),
    reload(changed) {
      // the files are only for the time until ACME has obtained one
      const renewed = acme?.current ? undefined : readSiteCertificate(changed);
      if (renewed) present(renewed);
    },
  };
}

/** Undefined without --acme-directory. */
function openAcme(
  { options, site, reaper, closing: signal, now }: StartContext,
  { notices }: SiteParts,
): AcmeCertificate | undefined {
  const { acmeDirectory: directory, acmeDomain: names = [], acmePort: port = CHALLENGE_PORT } = options;
  if (directory === undefined) return undefined;
  const isShared = port === options.httpPort;
  const listen = (): AsyncDisposable =>
    isShared ? new AsyncDisposableStack() : new HttpService({ hostname: site.bind, port }, {
      name: "acme",
      reaper,
      handler: (request) => acme.answer(new URL(request.url).pathname),
    });
  const settings = { directory, caFile: options.acmeCaFile, names, email: options.acmeEmail };
  const { data } = options;
  const acme: AcmeCertificate = new AcmeCertificate({ settings, data, notices, listen, signal, now });
  return acme;
}

function pairOf({ cert, key }: Pair): Pair {
  return { cert, key };
}

function report({ notAfter }: SiteCertificate, nowMs: number): void {
  const ends = notAfter.toISOString();
  if (notAfter.getTime() - nowMs > WARN_MS) log.info("site-certificate", { ends });
  else log.warn("site-certificate-ends", { ends, remedy: "renew it, and reload the server." });
}
