/** Webhooks and mail: news of nodes, captures, backups and the disk, for other programs and people. */
import { getLogger } from "@logtape/logtape";
import type { CaptureView, NodeView, ServerEvent } from "#contract/api.ts";
import { messageOf } from "#contract/errors.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { WebhookStore } from "../store/webhooks.ts";
import { DiskWatch } from "../webhooks/disk_watch.ts";
import { EventWatch } from "../webhooks/event_watch.ts";
import { Mailer, type MailSecurity } from "../webhooks/mailer.ts";
import { Webhooks } from "../webhooks/webhooks.ts";
import type { DeploymentEnds } from "./deployment_ends.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "webhooks"]);
/** How soon a message that was due while nothing else happened is tried. */
const WAKE_MS = 5000;
const DISK_TICK_MS = 60_000;

interface WebhookParts {
  readonly webhooks: Webhooks;
  /** Follows the server's events. Never throws. */
  observe(event: ServerEvent): void;
  /** Takes over what there is at the start. */
  begin(now: { nodes: readonly NodeView[]; captures: readonly CaptureView[] }): void;
}

export function startWebhooks(
  { options, stack, closing: signal, now }: StartContext,
  { data: { db, directory }, ends }: { data: ServerData; ends: DeploymentEnds },
): WebhookParts {
  const store = new WebhookStore(db, directory);
  const webhooks = new Webhooks({
    store,
    mailer: openMailer(options),
    server: () => Deno.hostname(),
    now,
    signal,
  });
  const watch = new EventWatch({ ...ends, emit: (news) => webhooks.emit(news) });
  const disk = new DiskWatch();
  const checkDisk = () => {
    const space = directory.space();
    if (!disk.check(space)) return;
    log.warn("disk-nearly-full", space);
    webhooks.emit({ event: "disk.nearly_full", data: { path: directory.path, ...space } });
  };
  checkDisk();
  stack.use(every(DISK_TICK_MS, checkDisk));
  stack.use(every(WAKE_MS, () => webhooks.wake()));
  webhooks.wake();
  const observe = (event: ServerEvent) => {
    try {
      watch.observe(event);
    } catch (error) {
      log.error("not-observed", { type: event.type, error: messageOf(error) });
    }
  };
  return { webhooks, observe, begin: (now) => watch.begin(now) };
}

/** RFC 6409 §3.1, RFC 8314 §3.3, RFC 5321 §4.5.4.2. */
const MAIL_PORTS: Readonly<Record<MailSecurity, number>> = { starttls: 587, tls: 465, off: 25 };

/** Undefined if the site has set no mail server. */
function openMailer(options: ServerOptions): Mailer | undefined {
  const { mailServer: server, mailFrom: from, mailTo: to = [], mailSecurity: security = "starttls" } =
    options;
  if (server === undefined || from === undefined) return undefined;
  const { mailPort: port = MAIL_PORTS[security], mailEvent: events = [] } = options;
  const { mailCaFile: caFile, mailUser: user, mailPasswordFile: passwordFile } = options;
  return new Mailer({
    server,
    port,
    security,
    caFile,
    user,
    passwordFile,
    from,
    to,
    events: events.length === 0 ? undefined : events,
  });
}
