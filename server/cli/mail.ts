/** `rackseed mail …` */
import { RackseedError } from "#contract/errors.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printFields, printJson } from "./terminal.ts";

interface MailOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

export async function showMail({ json, signal, ...options }: MailOptions): Promise<void> {
  using client = await connect(options, signal);
  const mail = await client.call("GET /mail", { signal });
  if (json) return printJson(mail);
  printFields({
    server: mail.server,
    from: mail.from,
    to: mail.to.join(", "),
    events: mail.events?.join(", ") ?? "all",
    waiting: String(mail.waiting),
    failed: String(mail.failed),
    "last problem": mail.problem,
  });
}

/** Throws RackseedError if the mail server did not take the message. */
export async function testMail({ signal, ...options }: MailOptions): Promise<void> {
  using client = await connect(options, signal);
  const { delivered, reason } = await client.call("POST /mail/test", { signal });
  if (delivered) return print("the mail server took the message");
  throw new RackseedError("cannot send mail", {
    reason: `${reason}.`,
    remedy: "check the settings mail-…, and that the server can reach the mail server.",
  });
}
