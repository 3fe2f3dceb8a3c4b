/** `rackseed webhook` and its options. */
import type { Command } from "@commander-js/extra-typings";
import { WEBHOOK_EVENTS } from "#contract/api/webhooks.ts";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

type Webhook = Command<[], Record<PropertyKey, never>>;
type Signal = Pick<Actions, "signal">;

const ADD = "rackseed webhook add chat https://chat.example/hooks/1";

export function addWebhook(program: Webhook, { signal }: Signal): void {
  const webhook = program.command("webhook")
    .description("Tell other programs by HTTP what happens here.")
    .addHelpText("after", afterOptions({ examples: [ADD, "rackseed webhook test chat"] }));
  addManagement(webhook as unknown as Webhook, { signal });
  addFailures(webhook as unknown as Webhook, { signal });
}

function addManagement(webhook: Webhook, { signal }: Signal): void {
  withServer(webhook.command("add"))
    .description("Add or replace a webhook, and print its new secret this once.")
    .argument("<name>", "name of the webhook")
    .argument("<url>", "where messages are posted: https://… or http://…")
    .option("--event <event...>", "events to send (default: all)")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Messages are JSON with type, timestamp and data, signed as Standard Webhooks has
it: webhook-id, webhook-timestamp, webhook-signature (HMAC-SHA-256). A message
that the receiver does not take is sent again for about a day.
Events: ${WEBHOOK_EVENTS.slice(0, 4).join(", ")},
  ${WEBHOOK_EVENTS.slice(4, 8).join(", ")},
  ${WEBHOOK_EVENTS.slice(8).join(", ")}`,
        examples: [ADD, `${ADD} --event node.failed deployment.failed`],
      }),
    )
    .action(async (name, url, { event, ...options }) =>
      await (await import("./webhooks.ts")).addWebhook({ name, url, events: event }, { ...options, signal })
    );
  withServer(webhook.command("list"))
    .description("List all webhooks, and what waits for them.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed webhook list --json"] }))
    .action(async (options) => await (await import("./webhooks.ts")).listWebhooks({ ...options, signal }));
  withServer(webhook.command("remove"))
    .description("Remove a webhook and its messages.")
    .argument("<name>", "name of the webhook")
    .addHelpText("after", afterOptions({ examples: ["rackseed webhook remove chat"] }))
    .action(async (name, options) =>
      await (await import("./webhooks.ts")).removeWebhook(name, { ...options, signal })
    );
  withServer(webhook.command("test"))
    .description("Send a test message now.")
    .argument("<name>", "name of the webhook")
    .addHelpText("after", afterOptions({ examples: ["rackseed webhook test chat"] }))
    .action(async (name, options) =>
      await (await import("./webhooks.ts")).testWebhook(name, { ...options, signal })
    );
}

function addFailures(webhook: Webhook, { signal }: Signal): void {
  withServer(webhook.command("failed"))
    .description("List messages that could not be delivered.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed webhook failed"] }))
    .action(async (options) => await (await import("./webhooks.ts")).listFailed({ ...options, signal }));
  withServer(webhook.command("resend"))
    .description("Send failed messages once more.")
    .argument("[id...]", "messages, as `rackseed webhook failed` shows them (default: all)")
    .addHelpText("after", afterOptions({ examples: ["rackseed webhook resend"] }))
    .action(async (ids, options) =>
      await (await import("./webhooks.ts")).resendFailed(ids, { ...options, signal })
    );
}
