/** Delivers messages as mail, by the site's own SMTP server (RFC 5321, RFC 3207). */
import { createTransport } from "nodemailer";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { WebhookEvent } from "#contract/api/webhooks.ts";
import type { Message, Outcome } from "./deliver.ts";
import { mailText } from "./mail_text.ts";

export type MailSecurity = "starttls" | "tls" | "off";

interface MailSettings {
  readonly server: string;
  readonly port: number;
  /** "starttls" refuses a server that does not offer it. */
  readonly security: MailSecurity;
  /** PEM file of the authority that the server's certificate is from, instead of the usual ones. */
  readonly caFile: string | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
  readonly from: string;
  readonly to: readonly string[];
  /** Undefined: all. */
  readonly events: readonly WebhookEvent[] | undefined;
}

/** From the connection to the server's last word. */
const ATTEMPT_MS = 30_000;
/** Of what the server says, as much is kept for the operator. */
const MAX_ANSWER = 300;

export class Mailer {
  readonly settings: MailSettings;

  constructor(settings: MailSettings) {
    this.settings = settings;
  }

  /** One attempt. Reads the files again, so that a changed password works without a restart. */
  async deliver({ id, body }: Message, { signal }: { signal: AbortSignal }): Promise<Outcome> {
    const { from, to } = this.settings;
    const end = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
    const ended = Promise.withResolvers<never>();
    const abort = () => ended.reject(new Error(`no answer for ${ATTEMPT_MS / 1000} s`));
    let transport: ReturnType<typeof createTransport> | undefined;
    try {
      transport = createTransport(this.#transportOptions());
      end.addEventListener("abort", abort, { once: true });
      const sent = transport.sendMail({
        from,
        to: [...to],
        ...mailText(body),
        // the same at every attempt, so that mail programs can drop repeats
        messageId: `<${id}@${from.slice(from.lastIndexOf("@") + 1)}>`,
        // no answers by machines (RFC 3834 §5)
        headers: { "Auto-Submitted": "auto-generated" },
      });
      await Promise.race([sent, ended.promise]);
      return { kind: "delivered" };
    } catch (error) {
      return outcomeOf(error);
    } finally {
      end.removeEventListener("abort", abort);
      transport?.close();
    }
  }

  #transportOptions() {
    const { server, port, security, caFile, user, passwordFile } = this.settings;
    const pass = passwordFile === undefined ? undefined : readFile(passwordFile).trimEnd();
    return {
      host: server,
      port,
      name: Deno.hostname(),
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "off",
      ...(user !== undefined && pass !== undefined && { auth: { user, pass } }),
      tls: { minVersion: "TLSv1.2" as const, ...(caFile !== undefined && { ca: readFile(caFile) }) },
      connectionTimeout: ATTEMPT_MS,
      greetingTimeout: ATTEMPT_MS,
      socketTimeout: ATTEMPT_MS,
      // a message must not make the server read files or addresses
      disableFileAccess: true,
      disableUrlAccess: true,
    };
  }
}

/** A message or address that the server will never take (5yz) is not tried again; a wrong password is. */
function outcomeOf(error: unknown): Outcome {
  const reason = messageOf(error).replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, MAX_ANSWER);
  const { code, responseCode = 0 } = error as { code?: unknown; responseCode?: number };
  const isFinal = (code === "EENVELOPE" || code === "EMESSAGE") && responseCode >= 550;
  return { kind: isFinal ? "gone" : "failed", reason };
}

function readFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new RackseedError(`cannot read ${path} for mail`, {
      reason: `${messageOf(error)}.`,
      remedy: "check the setting, and the file's owner and mode.",
      cause: error,
    });
  }
}
