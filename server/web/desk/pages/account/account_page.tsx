/** Who is logged in, their password, and access tokens: their own; for an admin, everybody's. */
import { useState } from "preact/hooks";
import type { DeskUser } from "#contract/desk.ts";
import { user } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { roleText } from "../../messages/roles.ts";
import { Page } from "../../parts/page.tsx";
import { t } from "./messages.ts";
import { PasswordDialog } from "./password_dialog.tsx";
import { Tokens } from "./tokens.tsx";

export function AccountPage() {
  const who = user.value;
  const [isChanging, setIsChanging] = useState(false);
  if (!who) {
    return (
      <Page title={t("title")}>
        <p>{common("loading")}</p>
      </Page>
    );
  }
  const hasPassword = !who.isAdminToken && !who.signsOn;
  const actions = hasPassword && (
    <button type="button" onClick={() => setIsChanging(true)}>{t("changePassword")}</button>
  );
  return (
    <Page title={t("title")} actions={actions}>
      <Who who={who} />
      <Tokens who={who} />
      {isChanging && <PasswordDialog name={who.name} onClose={() => setIsChanging(false)} />}
    </Page>
  );
}

function Who({ who: { name, role, groups, isAdminToken, signsOn } }: { who: DeskUser }) {
  if (isAdminToken) return <p>{t("adminToken")}</p>;
  return (
    <>
      <dl class="figures">
        <div>
          <dt>{t("name")}</dt>
          <dd>{name}</dd>
        </div>
        <div>
          <dt>{t("role")}</dt>
          <dd>{roleText(role)}</dd>
        </div>
        {role === "operator" && (
          <div>
            <dt>{t("nodes")}</dt>
            <dd>{groups ? t("forGroups", { groups: groups.join(", ") }) : t("allNodes")}</dd>
          </div>
        )}
      </dl>
      {signsOn && <p>{t("signsOn")}</p>}
    </>
  );
}
