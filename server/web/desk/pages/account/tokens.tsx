/** Access tokens: listed, made, shown once, revoked. */
import { useRef, useState } from "preact/hooks";
import {
  MAX_TOKEN_DAYS,
  type Role,
  ROLES,
  type TokenAdd,
  type TokenAnswer,
  type TokenView,
  type UserView,
} from "#contract/api/access.ts";
import type { DeskUser } from "#contract/desk.ts";
import { call, segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { useHold } from "../../live/log_in_again.ts";
import { t as common } from "../../messages/common.ts";
import { roleText } from "../../messages/roles.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { Refused } from "../../parts/problem.tsx";
import { ShownOnce } from "../../parts/shown_once.tsx";
import { Ago, Exact } from "../../parts/times.tsx";
import { TableHead } from "../../parts/table_head.tsx";
import { t } from "./messages.ts";

const DAYS = 90;

type Open =
  | { readonly what: "add" }
  | { readonly what: "revoke"; readonly token: TokenView }
  | { readonly what: "made"; readonly answer: TokenAnswer };

export function Tokens({ who }: { who: DeskUser }) {
  const tokens = useResource<TokenView[]>("/tokens", { on: ["people"] });
  const [open, setOpen] = useState<Open>();
  useHold(open?.what === "made");
  const close = () => setOpen(undefined);
  return (
    <section aria-labelledby="tokens-title">
      <div class="bar">
        <h2 id="tokens-title">{t("tokens")}</h2>
        <button type="button" class="primary" onClick={() => setOpen({ what: "add" })}>
          {t("addToken")}
        </button>
      </div>
      <p class="dim">{t("tokensAbout")}</p>
      {tokens.refusal && <Refused refusal={tokens.refusal} reload={tokens.reload} />}
      {!tokens.value && !tokens.refusal && <p>{common("loading")}</p>}
      {tokens.value?.length === 0 && <p class="empty">{t("noTokens")}</p>}
      {tokens.value && tokens.value.length > 0 && (
        <TokenTable
          tokens={tokens.value}
          onRevoke={(token) => setOpen({ what: "revoke", token })}
        />
      )}
      {open?.what === "add" && <AddDialog who={who} onClose={setOpen} />}
      {open?.what === "revoke" && <RevokeDialog token={open.token} onClose={close} />}
      {open?.what === "made" && <MadeDialog answer={open.answer} onClose={close} />}
    </section>
  );
}

function TokenTable({ tokens, onRevoke }: {
  tokens: readonly TokenView[];
  onRevoke: (token: TokenView) => void;
}) {
  return (
    <div class="scroll">
      <table>
        <TableHead
          columns={(["token", "user", "role", "expires", "lastUsed"] as const).map((column) => t(column))}
        />
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id}>
              <th scope="row">{token.name}</th>
              <td>{token.user}</td>
              <td>{roleText(token.role)}</td>
              <td>
                <Exact at={token.expires} />
              </td>
              <td>{token.lastUsed === undefined ? t("neverUsed") : <Ago at={token.lastUsed} />}</td>
              <td class="buttons">
                <button
                  type="button"
                  aria-label={t("revokeTitle", { name: token.name, user: token.user })}
                  onClick={() => onRevoke(token)}
                >
                  {t("revoke")}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AddDialog({ who, onClose }: { who: DeskUser; onClose: (next: Open | undefined) => void }) {
  const next = useRef<Open | undefined>(undefined);
  const own = who.isAdminToken ? undefined : who.name;
  const roles = ROLES.slice(0, ROLES.indexOf(who.role) + 1);
  const add = async (form: FormData) => {
    const user = form.get("user");
    const body: TokenAdd = {
      name: String(form.get("name")),
      role: form.get("role") as Role,
      days: Number(form.get("days")),
      ...user !== null && user !== own && { user: String(user) },
    };
    next.current = { what: "made", answer: await call<TokenAnswer>("POST", "/tokens", { body }) };
  };
  return (
    <Dialog
      title={t("addTitle")}
      action={t("addAction")}
      onSubmit={add}
      onClose={() => onClose(next.current)}
    >
      {who.role === "admin" && <OwnerField own={own} />}
      <label class="field">
        {t("tokenName")}
        <input
          name="name"
          required
          maxLength={32}
          pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]{0,31}"
          title={t("tokenNameRule")}
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <label class="field">
        {t("role")}
        <select name="role">
          {roles.map((role) => <option key={role} value={role}>{roleText(role)}</option>)}
        </select>
      </label>
      <label class="field">
        {t("days")}
        <input name="days" type="number" min={1} max={MAX_TOKEN_DAYS} defaultValue={String(DAYS)} required />
      </label>
    </Dialog>
  );
}

/** Whose token it is: an admin makes them for others too. */
function OwnerField({ own }: { own: string | undefined }) {
  const { value } = useResource<UserView[]>("/users");
  const names = value?.map(({ name }) => name) ?? (own === undefined ? [] : [own]);
  return (
    <label class="field">
      {t("user")}
      <select name="user" required key={names.length}>
        {names.map((name) => <option key={name} value={name} selected={name === own}>{name}</option>)}
      </select>
    </label>
  );
}

function MadeDialog({ answer: { view, token }, onClose }: { answer: TokenAnswer; onClose: () => void }) {
  return (
    <Dialog title={t("newTokenTitle", { name: view.name })} onClose={onClose}>
      <ShownOnce label={t("shownOnce")} text={token} />
      <Command
        line={commandLine("rackseed", "node", "list", "--server", location.host, "--token", "TOKEN")}
      />
    </Dialog>
  );
}

function RevokeDialog({ token: { id, name, user }, onClose }: { token: TokenView; onClose: () => void }) {
  const revoke = async () => {
    await call("DELETE", `/tokens/${segment(id)}`);
    note(t("revoked", { name }));
  };
  return (
    <Dialog
      title={t("revokeTitle", { name, user })}
      action={t("revokeAction")}
      isDangerous
      onSubmit={revoke}
      onClose={onClose}
    >
      <p>{t("revokeAbout")}</p>
      <Command line={commandLine("rackseed", "token", "revoke", name, "--user", user)} />
    </Dialog>
  );
}
