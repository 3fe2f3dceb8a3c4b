/** The site's webhooks, and its mail: who is told, and what is on its way. */
import { getLogger } from "@logtape/logtape";
import { randomBytes } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type {
  FailedDelivery,
  MailView,
  NewWebhook,
  WebhookSettings,
  WebhookTest,
  WebhookView,
} from "#contract/api/webhooks.ts";
import { MAIL, type WebhookStore } from "../store/webhooks.ts";
import { deliver, type Message, type Outcome } from "./deliver.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { News } from "./event_watch.ts";
import type { Mailer } from "./mailer.ts";
import { makeSecret } from "./signature.ts";

const log = getLogger(["rackseed", "webhooks"]);
const MAX_WEBHOOKS = 32;

interface WebhooksOptions {
  readonly store: WebhookStore;
  /** Undefined: the site has not set a mail server. */
  readonly mailer?: Mailer | undefined;
  /** Names this server in every message. */
  readonly server: () => string;
  readonly now: () => number;
  /** Ends attempts; what is queued stays. */
  readonly signal: AbortSignal;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #dispatcher: Dispatcher;
  /** By name; kept in memory, because every change of every node asks. */
  #known: readonly WebhookView[];

  constructor(options: WebhooksOptions) {
    const { store, mailer, now, signal } = options;
    this.#options = options;
    store.useMail(mailer !== undefined, new Date(now()).toISOString());
    this.#known = store.list();
    this.#dispatcher = new Dispatcher({
      names: () => [...this.#known.map(({ name }) => name), ...mailer ? [MAIL] : []],
      due: (name, nowMs) => store.due(name, nowMs),
      delivered: (name, delivery) => store.delivered(name, delivery),
      failed: (name, delivery, end) => store.failed(name, delivery, end),
      attempt: (name, delivery) => this.#attempt(name, delivery),
      now,
      random: Math.random,
    }, { signal });
  }

  /** Messages that are to be delivered. */
  get waiting(): number {
    return this.#options.store.waiting;
  }

  list(): WebhookView[] {
    return this.#options.store.list();
  }

  /** Throws RackseedError (404). */
  get(name: string): WebhookView {
    const webhook = this.list().find((w) => w.name === name);
    if (webhook) return webhook;
    throw new RackseedError(`cannot find the webhook ${name}`, {
      reason: "there is none of this name.",
      remedy: "see `rackseed webhook list`.",
      status: 404,
    });
  }

  /** Adds a webhook, or changes one and its secret. Throws RackseedError (409). */
  put(name: string, settings: WebhookSettings): NewWebhook {
    const { store, now } = this.#options;
    if (this.#known.length >= MAX_WEBHOOKS && !this.#known.some((w) => w.name === name)) {
      throw new RackseedError(`cannot add the webhook ${name}`, {
        reason: `there are ${MAX_WEBHOOKS} already, which is the limit.`,
        remedy: "remove one: rackseed webhook remove NAME",
        status: 409,
      });
    }
    const secret = makeSecret();
    store.put(name, { settings, secret, created: new Date(now()).toISOString() });
    this.#known = store.list();
    log.info("webhook-set", { webhook: name, events: settings.events });
    return { ...this.get(name), secret };
  }

  /** Throws RackseedError (404). */
  delete(name: string): void {
    this.get(name);
    this.#options.store.delete(name);
    this.#known = this.#options.store.list();
    log.info("webhook-removed", { webhook: name });
  }

  /** One attempt at once, with a message that says that it is a test. Throws RackseedError (404). */
  async test(name: string): Promise<WebhookTest> {
    const { url } = this.get(name);
    const message = this.#message("test", { text: `A test of ${hostOf(url)}.` });
    return testOf(await this.#attempt(name, message));
  }

  /** Throws RackseedError (404) if the site sends no mail. */
  mail(): MailView {
    const { server, port, from, to, events } = this.#mailer().settings;
    const queue = this.#options.store.mail() ?? { waiting: 0, failed: 0 };
    return {
      server: `${server}:${port}`,
      from,
      to: [...to],
      ...(events && { events: [...events] }),
      ...queue,
    };
  }

  /** One attempt at once. Throws RackseedError (404) if the site sends no mail. */
  async testMail(): Promise<WebhookTest> {
    const message = this.#message("test", { to: this.#mailer().settings.to });
    return testOf(await this.#attempt(MAIL, message));
  }

  failed(): FailedDelivery[] {
    return this.#options.store.listFailed();
  }

  /** Puts failed messages into the queue again; returns how many. */
  resend(ids?: readonly string[]): number {
    const resent = this.#options.store.resend(ids, this.#options.now());
    this.wake();
    return resent;
  }

  /** Queues a message for everyone who wants it. Never throws: a full disk must not fail what is reported. */
  emit({ event, data }: News): void {
    const { mailer } = this.#options;
    const all = [...this.#known, ...mailer ? [{ name: MAIL, events: mailer.settings.events }] : []];
    const names = all.filter(({ events }) => events?.includes(event) ?? true).map(({ name }) => name);
    if (names.length === 0) return;
    const message = { event, ...this.#message(event, data) };
    // the caller may be in a transaction, which this one must not join
    queueMicrotask(() => {
      try {
        this.#options.store.add(names, message, this.#options.now());
        this.wake();
      } catch (error) {
        log.error("not-queued", { event, error: messageOf(error) });
      }
    });
  }

  /** Tries what is due. */
  wake(): void {
    this.#dispatcher.wake();
  }

  #mailer(): Mailer {
    const { mailer } = this.#options;
    if (mailer) return mailer;
    throw new RackseedError("cannot send mail", {
      reason: "no mail server is set.",
      remedy: "set mail-server, mail-from and mail-to in server.yaml, and restart the server.",
      status: 404,
    });
  }

  #message(type: string, data: News["data"]): Message {
    const { server, now } = this.#options;
    const body = { type, timestamp: new Date(now()).toISOString(), data: { server: server(), ...data } };
    return { id: `msg_${randomBytes(16).toString("hex")}`, body: JSON.stringify(body) };
  }

  async #attempt(name: string, message: Message): Promise<Outcome> {
    const { store, mailer, now, signal } = this.#options;
    if (name === MAIL) return await mailer?.deliver(message, { signal }) ?? GONE;
    const url = this.#known.find((w) => w.name === name)?.url;
    try {
      const secret = store.secret(name);
      if (url === undefined || secret === undefined) return GONE;
      return await deliver(message, { url, secret, nowMs: now(), signal });
    } catch (error) {
      return { kind: "failed", reason: messageOf(error) };
    }
  }
}

const GONE: Outcome = { kind: "gone", reason: "the receiver was removed" };

function testOf(outcome: Outcome): WebhookTest {
  return outcome.kind === "delivered" ? { delivered: true } : { delivered: false, reason: outcome.reason };
}

function hostOf(url: string): string {
  return new URL(url).host;
}
