/** Keeps the certificate that the site's ACME authority issues current. */
import { getLogger } from "@logtape/logtape";
import { RackseedError } from "#contract/errors.ts";
import {
  type AcmeSettings,
  type ChallengeAnswers,
  CHALLENGES,
  obtainCertificate,
} from "../access/acme_client.ts";
import { AcmeFiles } from "../access/acme_files.ts";
import { isDue, nextTryMs } from "../access/acme_renewal.ts";
import type { SiteCertificate } from "../access/site_certificate.ts";
import type { Notices } from "../images/notices.ts";

const log = getLogger(["rackseed", "https"]);
const NOTICE = "acme";

interface AcmeOptions {
  readonly settings: AcmeSettings;
  readonly data: string;
  readonly notices: Notices;
  /** Serves `answer` on the port that the authority asks, until it is disposed of. */
  readonly listen: () => AsyncDisposable;
  /** Ends an order that is under way. */
  readonly signal: AbortSignal;
  readonly now: () => number;
}

export class AcmeCertificate {
  readonly #options: AcmeOptions;
  readonly #files: AcmeFiles;
  readonly #answers: ChallengeAnswers = new Map();
  #current: SiteCertificate | undefined;
  #isBusy = false;
  #failures = 0;
  #nextMs = 0;

  constructor(options: AcmeOptions) {
    this.#options = options;
    this.#files = new AcmeFiles(options.data);
    this.#current = this.#files.read(options.settings.names);
  }

  /** Undefined if there has been none yet. */
  get current(): SiteCertificate | undefined {
    return this.#current;
  }

  /** Answers the authority's question whether this server is what it says (RFC 8555 §8.3). */
  answer(pathname: string): Response {
    const text = pathname.startsWith(CHALLENGES)
      ? this.#answers.get(pathname.slice(CHALLENGES.length))
      : undefined;
    return text === undefined
      ? new Response("not found\n", { status: 404 })
      : new Response(text, { headers: { "content-type": "application/octet-stream" } });
  }

  /** Renews the certificate if that is due, and calls `present`. A failure is a notice until it works. Never rejects. */
  async check(present: (certificate: SiteCertificate) => void): Promise<void> {
    const { settings, now } = this.#options;
    if (this.#isBusy || now() < this.#nextMs || !isDue(this.#current, now())) return;
    this.#isBusy = true;
    try {
      await this.#renew();
      this.#failures = 0;
      if (this.#current) present(this.#current);
      this.#tell(undefined);
      log.info("certificate-renewed", { names: settings.names, ends: this.#current?.notAfter.toISOString() });
    } catch (error) {
      if (this.#options.signal.aborted) return;
      this.#nextMs = nextTryMs(++this.#failures, now());
      this.#tell(error);
    } finally {
      this.#isBusy = false;
    }
  }

  async #renew(): Promise<void> {
    const { settings, listen, signal } = this.#options;
    const accountKey = await this.#files.accountKey();
    await using _port = listen();
    this.#files.write(await obtainCertificate(settings, { accountKey, answers: this.#answers, signal }));
    const { names } = settings;
    this.#current = this.#files.read(names);
    if (this.#current) return;
    throw new RackseedError(`cannot use the certificate that ${settings.directory.host} issued`, {
      reason: `it is not for ${names.join(", ")}.`,
      remedy: "see what the authority allows, and set acme-domain to that.",
    });
  }

  #tell(error: unknown): void {
    const { settings: { names }, notices } = this.#options;
    if (error === undefined) return notices.set(NOTICE, undefined);
    const { title, reason, remedy } = error instanceof RackseedError
      ? error
      : { title: "cannot obtain a certificate", reason: String(error), remedy: "see the server's log." };
    const meanwhile = this.#current === undefined
      ? "Browsers are shown one of the server's own authority"
      : `The one until ${this.#current.notAfter.toISOString().slice(0, 10)} stays in use`;
    const subject = `certificate of ${names[0]}`;
    notices.set(NOTICE, { subject, problem: `${title}: ${reason} ${meanwhile}`, remedy });
  }
}
