/** Webhooks and mail: whom the server tells what happened. */
import { useState } from "preact/hooks";
import {
  type FailedDelivery,
  type MailView,
  type NewWebhook,
  WEBHOOK_EVENTS,
  type WebhookTest,
  type WebhookView,
} from "#contract/api/webhooks.ts";
import { call, segment } from "../../api/call.ts";
import { type Resource, useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { attempt } from "../../parts/attempt.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Refused } from "../../parts/problem.tsx";
import { t } from "./messages.ts";

export function WebhookList() {
  const webhooks = useResource<WebhookView[]>("/webhooks");
  const failures = useResource<FailedDelivery[]>("/webhook-failures");
  const [isAdding, setIsAdding] = useState(false);
  const [removing, setRemoving] = useState<string>();
  const [secret, setSecret] = useState<NewWebhook>();
  if (webhooks.refusal) return <Refused refusal={webhooks.refusal} reload={webhooks.reload} />;
  const remove = async () => {
    await call("DELETE", `/webhooks/${segment(removing ?? "")}`);
    webhooks.reload();
  };
  return (
    <>
      {webhooks.value?.length === 0 && <p class="empty">{t("noWebhooks")}</p>}
      <ul class="lines">
        {webhooks.value?.map(({ name, url, events, waiting, failed, problem }) => (
          <li key={name}>
            <strong>{name}</strong> {url}
            <small>{events?.join(", ") ?? t("all")}; {t("waiting", { waiting, failed })}</small>
            {problem !== undefined && <small class="problem">{problem}</small>}
            <button type="button" onClick={() => void sendTest(`/webhooks/${segment(name)}/test`)}>
              {t("test")}
            </button>{" "}
            <button type="button" onClick={() => setRemoving(name)}>{common("delete")}</button>
          </li>
        ))}
      </ul>
      {secret && (
        <p role="status">
          <code>{t("secret", { name: secret.name, secret: secret.secret })}</code>
        </p>
      )}
      <button type="button" onClick={() => setIsAdding(true)}>{t("addWebhook")}</button>
      <Failures failures={failures} />
      {isAdding && (
        <AddDialog
          onClose={() => setIsAdding(false)}
          onAdded={(added) => {
            setSecret(added);
            webhooks.reload();
          }}
        />
      )}
      {removing !== undefined && (
        <Dialog
          title={t("removeWebhook", { name: removing })}
          action={common("delete")}
          isDangerous
          onSubmit={remove}
          onClose={() => setRemoving(undefined)}
        >
          <p>{webhooks.value?.find(({ name }) => name === removing)?.url}</p>
        </Dialog>
      )}
    </>
  );
}

function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: (added: NewWebhook) => void }) {
  const add = async (form: FormData) => {
    const chosen = form.getAll("events").map(String);
    const body = { url: String(form.get("url")), events: chosen.length > 0 ? chosen : undefined };
    onAdded(
      await call<NewWebhook>("PUT", `/webhooks/${segment(String(form.get("name")))}`, {
        body,
        headers: { "if-none-match": "*" },
      }),
    );
  };
  return (
    <Dialog title={t("addWebhook")} action={common("add")} onSubmit={add} onClose={onClose}>
      <label class="field">
        {t("name")}
        <input
          name="name"
          required
          pattern="[a-z0-9][a-z0-9\-]{0,62}"
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <label class="field">
        {t("url")}
        <input name="url" type="url" required placeholder="https://" autocomplete="off" />
      </label>
      <fieldset>
        <legend>{t("events")}</legend>
        {WEBHOOK_EVENTS.map((event) => (
          <label key={event} class="choice">
            <input type="checkbox" name="events" value={event} /> {event}
          </label>
        ))}
      </fieldset>
    </Dialog>
  );
}

function Failures({ failures: { value = [], reload } }: { failures: Resource<FailedDelivery[]> }) {
  if (value.length === 0) return null;
  const resend = () =>
    attempt(async () => {
      const { resent } = await call<{ resent: number }>("POST", "/webhook-failures/resend", { body: {} });
      reload();
      return t("resent", { n: resent });
    });
  return (
    <>
      <h3>{t("failures")}</h3>
      <ul class="lines">
        {value.slice(0, 50).map(({ id, webhook, event, reason }) => (
          <li key={id}>
            {webhook}: {event} <small>{reason}</small>
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => void resend()}>{t("resend")}</button>
    </>
  );
}

async function sendTest(path: string): Promise<void> {
  await attempt(async () => {
    const { delivered, reason = "" } = await call<WebhookTest>("POST", path);
    return delivered ? t("delivered") : t("notDelivered", { reason });
  });
}

export function Mail() {
  const { value, refusal } = useResource<MailView>("/mail");
  if (refusal?.problem.status === 404) return <p class="empty">{t("noMail")}</p>;
  if (refusal) return <Refused refusal={refusal} />;
  if (!value) return <p>{common("loading")}</p>;
  const { server, from, to, waiting, failed, problem } = value;
  return (
    <>
      <p>
        {t("mailTo", { server, from, to: to.join(", ") })}
        <small>{t("waiting", { waiting, failed })}</small>
        {problem !== undefined && <small class="problem">{problem}</small>}
      </p>
      <button type="button" onClick={() => void sendTest("/mail/test")}>{t("test")}</button>
    </>
  );
}
