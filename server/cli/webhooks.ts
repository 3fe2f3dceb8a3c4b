/** `rackseed webhook …` */
import { RackseedError } from "#contract/errors.ts";
import { WebhookName, WebhookSettings } from "#contract/api/webhooks.ts";
import { checked } from "../words/usage.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printJson, printTable } from "./terminal.ts";

interface WebhookOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

export async function addWebhook(
  { name, url, events }: { name: string; url: string; events?: readonly string[] | undefined },
  { json, signal, ...options }: WebhookOptions,
): Promise<void> {
  const named = nameOf(name);
  const body = checked(WebhookSettings, { name: "webhook", value: { url, ...(events && { events }) } });
  using client = await connect(options, signal);
  const webhook = await client.call("PUT /webhooks/:webhook", { webhook: named, body, signal });
  if (json) return printJson(webhook);
  print(`added the webhook ${webhook.name}`);
  print(`  secret ${webhook.secret}`);
  print("  The receiver verifies signatures with it. It is not shown again.");
}

export async function listWebhooks({ json, signal, ...options }: WebhookOptions): Promise<void> {
  using client = await connect(options, signal);
  const webhooks = await client.call("GET /webhooks", { signal });
  if (json) return printJson(webhooks);
  if (webhooks.length === 0) return print("no webhooks yet; see `rackseed webhook add --help`");
  printTable(
    ["name", "url", "events", "waiting", "failed", "last problem"],
    webhooks.map((w) => [
      w.name,
      w.url,
      w.events?.join(", ") ?? "all",
      String(w.waiting),
      String(w.failed),
      w.problem ?? "",
    ]),
  );
}

export async function removeWebhook(name: string, { signal, ...options }: WebhookOptions): Promise<void> {
  const webhook = nameOf(name);
  using client = await connect(options, signal);
  await client.call("DELETE /webhooks/:webhook", { webhook, signal });
  print(`removed the webhook ${name}`);
}

/** Throws RackseedError if the receiver did not take the message. */
export async function testWebhook(name: string, { signal, ...options }: WebhookOptions): Promise<void> {
  const webhook = nameOf(name);
  using client = await connect(options, signal);
  const { delivered, reason } = await client.call("POST /webhooks/:webhook/test", { webhook, signal });
  if (delivered) return print("delivered");
  throw new RackseedError(`cannot deliver to the webhook ${name}`, {
    reason: `${reason}.`,
    remedy: "check the receiver, and that the server can reach its address.",
  });
}

export async function listFailed({ json, signal, ...options }: WebhookOptions): Promise<void> {
  using client = await connect(options, signal);
  const failed = await client.call("GET /webhook-failures", { signal });
  if (json) return printJson(failed);
  if (failed.length === 0) return print("no failed messages");
  printTable(
    ["id", "webhook", "event", "since", "reason"],
    failed.map(({ id, webhook, event, created, reason }) => [id, webhook, event, created, reason]),
  );
}

export async function resendFailed(
  ids: readonly string[],
  { signal, ...options }: WebhookOptions,
): Promise<void> {
  using client = await connect(options, signal);
  const { resent } = await client.call("POST /webhook-failures/resend", {
    body: ids.length === 0 ? {} : { ids: [...ids] },
    signal,
  });
  print(`${resent} ${resent === 1 ? "message is" : "messages are"} sent again`);
}

/** Throws UsageError. */
function nameOf(text: string): string {
  return checked(WebhookName, { name: "name", value: text });
}
