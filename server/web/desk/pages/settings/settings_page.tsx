/** The settings of the site that can be changed while the server runs. */
import { send } from "../../api/call.ts";
import { site } from "../../live/state.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { Page } from "../../parts/page.tsx";
import { t } from "./messages.ts";
import { SwarmForm } from "./swarm_form.tsx";
import { Mail, WebhookList } from "./webhooks.tsx";

export function SettingsPage() {
  return (
    <Page title={t("title")}>
      <section aria-labelledby="swarm">
        <h2 id="swarm">{t("swarm")}</h2>
        <SwarmForm />
      </section>
      {mayAdminister() && (
        <>
          <section aria-labelledby="webhooks">
            <h2 id="webhooks">{t("webhooks")}</h2>
            <WebhookList />
          </section>
          <section aria-labelledby="mail">
            <h2 id="mail">{t("mail")}</h2>
            <Mail />
          </section>
        </>
      )}
      <section aria-labelledby="server">
        <h2 id="server">{t("server")}</h2>
        {site.value && <p>{t("version", { version: site.value.version })}</p>}
        {mayAdminister() && (
          <>
            <p class="dim">{t("backupAbout")}</p>
            <button type="button" onClick={() => void download()}>{t("backup")}</button>
          </>
        )}
      </section>
    </Page>
  );
}

async function download(): Promise<void> {
  await attempt(async () => {
    const response = await send("POST", "/server/backup");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = `rackseed-server-${new Date().toISOString().slice(0, 10)}.tar`;
    link.click();
    URL.revokeObjectURL(link.href);
    return t("backedUp");
  });
}
