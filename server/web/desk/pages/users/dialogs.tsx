/** Dialogs that add, change and remove a user, and the one that shows a set-up link. */
import { useRef, useState } from "preact/hooks";
import { type Role, ROLES, type UserAdd, type UserAnswer, type UserView } from "#contract/api/access.ts";
import { call, segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { exactTime } from "../../messages/figures.ts";
import { roleText } from "../../messages/roles.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { ShownOnce } from "../../parts/shown_once.tsx";
import { t } from "./messages.ts";

type Link = { readonly what: "link"; readonly name: string; readonly path: string; readonly until: string };

/** The dialog that is open. */
export type Open =
  | { readonly what: "add" | "rotate" }
  | { readonly what: "change" | "remove"; readonly user: UserView }
  | { readonly what: "token"; readonly token: string }
  | Link;

interface Props {
  /** Called with the dialog that follows, if one does. */
  readonly onClose: (next: Open | undefined) => void;
}

function linkOf({ user: { name }, setup }: UserAnswer): Link | undefined {
  return setup && { what: "link", name, path: setup.path, until: setup.expires };
}

export function AddDialog({ onClose }: Props) {
  const next = useRef<Open | undefined>(undefined);
  const add = async (form: FormData) => {
    const role = form.get("role") as Role, groups = groupsOf(form);
    const body: UserAdd = { name: String(form.get("name")), role, ...groups && { groups } };
    next.current = linkOf(await call<UserAnswer>("POST", "/users", { body }));
  };
  return (
    <Dialog
      title={t("addTitle")}
      action={common("add")}
      onSubmit={add}
      onClose={() => onClose(next.current)}
    >
      <label class="field">
        {t("name")}
        <input
          name="name"
          required
          maxLength={64}
          pattern="[a-z][a-z0-9._@\-]{0,63}"
          title={t("nameRule")}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
        />
      </label>
      <RoleFields role="viewer" groups={[]} />
      <Command line={commandLine("rackseed", "user", "add", "NAME", "--role", "ROLE")} />
    </Dialog>
  );
}

export function ChangeDialog({ user, onClose }: Props & { user: UserView }) {
  const { name, role, groups = [], signsOn, isRefused } = user;
  const next = useRef<Open | undefined>(undefined);
  const change = async (form: FormData) => {
    const refuse = form.get("refuse") !== null;
    const settings = {
      role: form.get("role"),
      groups: groupsOf(form) ?? null,
      reset: form.get("renew") !== null,
    };
    const body = signsOn ? { refuse } : { ...settings, refuse };
    next.current = linkOf(await call<UserAnswer>("PUT", `/users/${segment(name)}`, { body }));
    note(t("changed", { name }));
  };
  return (
    <Dialog
      title={t("changeTitle", { name })}
      action={t("changeAction")}
      onSubmit={change}
      onClose={() => onClose(next.current)}
    >
      {signsOn ? <p>{t("provider")}</p> : (
        <>
          <RoleFields role={role} groups={groups} />
          <Tick name="renew" text={t("renew")} />
        </>
      )}
      <Tick name="refuse" text={t("refuse")} isOn={isRefused} />
      <p class="dim">{t("sessionsEnd")}</p>
    </Dialog>
  );
}

export function RemoveDialog({ user: { name, signsOn }, onClose }: Props & { user: UserView }) {
  const remove = async () => {
    await call("DELETE", `/users/${segment(name)}`);
    note(t("removed", { name }));
  };
  return (
    <Dialog
      title={t("removeTitle", { name })}
      action={common("remove")}
      isDangerous
      onSubmit={remove}
      onClose={() => onClose(undefined)}
    >
      <p>{t("removeAbout")}</p>
      {signsOn && (
        <p>
          <strong>{t("comesBack")}</strong> {t("keepOut")}
        </p>
      )}
      <Command line={commandLine("rackseed", "user", "remove", name)} />
    </Dialog>
  );
}

export function LinkDialog({ open: { name, path, until }, onClose }: Props & { open: Link }) {
  return (
    <Dialog title={t("linkTitle", { name })} onClose={() => onClose(undefined)}>
      <ShownOnce label={t("link")} text={new URL(path, location.href).href} />
      <p class="dim">{t("linkUntil", { time: exactTime(until) })}</p>
    </Dialog>
  );
}

/** Only operators are limited to groups. */
function RoleFields({ role, groups }: { role: Role; groups: readonly string[] }) {
  const [chosen, setChosen] = useState<Role>(role);
  return (
    <>
      <label class="field">
        {t("role")}
        <select
          name="role"
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value as Role)}
        >
          {ROLES.map((one) => <option key={one} value={one}>{roleText(one)}</option>)}
        </select>
      </label>
      {chosen === "operator" && (
        <label class="field">
          {t("groups")}
          <input
            name="groups"
            defaultValue={groups.join(", ")}
            maxLength={2000}
            autocomplete="off"
            spellcheck={false}
          />
        </label>
      )}
    </>
  );
}

function Tick({ name, text, isOn = false }: { name: string; text: string; isOn?: boolean }) {
  return (
    <label class="tick">
      <input name={name} type="checkbox" defaultChecked={isOn} />
      <span>{text}</span>
    </label>
  );
}

/** "rack1, rack2"; undefined: all nodes. */
function groupsOf(form: FormData): string[] | undefined {
  const groups = String(form.get("groups") ?? "").split(/[\s,]+/).filter((group) => group !== "");
  return groups.length > 0 ? groups : undefined;
}
