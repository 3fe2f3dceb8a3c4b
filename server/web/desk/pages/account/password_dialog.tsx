/** Changes the password of the person who is logged in. The answer is a new session's cookie. */
import { MIN_PASSWORD } from "#contract/api/access.ts";
import { Refusal, refusalOf } from "../../api/call.ts";
import { whileSessionChanges } from "../../live/log_in_again.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { t } from "./messages.ts";

export function PasswordDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const field = (key: "newPassword" | "repeated") => (
    <label class="field">
      {t(key, { n: MIN_PASSWORD })}
      <input
        name={key === "newPassword" ? "password" : "repeated"}
        type="password"
        required
        minLength={MIN_PASSWORD}
        maxLength={256}
        autocomplete="new-password"
      />
    </label>
  );
  return (
    <Dialog title={t("changeTitle")} action={t("changeAction")} onSubmit={change} onClose={onClose}>
      {/* for password managers */}
      <input type="hidden" name="user" value={name} autocomplete="username" />
      <label class="field">
        {t("current")}
        <input name="current" type="password" required maxLength={256} autocomplete="current-password" />
      </label>
      {field("newPassword")}
      {field("repeated")}
      <p class="dim">{t("sessionsEnd")}</p>
    </Dialog>
  );
}

/** A form, not a call of the API: only a browser's session may change a password. */
async function change(form: FormData): Promise<void> {
  const body = new URLSearchParams();
  for (const name of ["user", "current", "password", "repeated"]) body.set(name, String(form.get(name)));
  await whileSessionChanges(async () => {
    const response = await fetch("/account/password", { method: "POST", body }).catch(() => undefined);
    if (!response?.ok) throw response ? await refusalOf(response) : Refusal.unreachable();
  });
  note(t("passwordChanged"));
}
