/** The users, for admins: roles, groups, set-up links, and the admin token. */
import { useState } from "preact/hooks";
import type { UserView } from "#contract/api/access.ts";
import { useResource } from "../../api/resource.ts";
import { useHold } from "../../live/log_in_again.ts";
import { user as whoAmI } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { roleText } from "../../messages/roles.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { TableHead } from "../../parts/table_head.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Exact } from "../../parts/times.tsx";
import { AddDialog, ChangeDialog, LinkDialog, type Open, RemoveDialog } from "./dialogs.tsx";
import { t } from "./messages.ts";
import { NewTokenDialog, RotateDialog } from "./rotate_dialog.tsx";

export function UsersPage() {
  const users = useResource<UserView[]>("/users", { on: ["people"] });
  const [open, setOpen] = useState<Open>();
  // a change of oneself, or of the admin token, ends this session while its answer is shown
  useHold(open !== undefined);
  const actions = mayAdminister() && (
    <>
      <button type="button" onClick={() => setOpen({ what: "rotate" })}>{t("rotate")}</button>
      <button type="button" class="primary" onClick={() => setOpen({ what: "add" })}>{t("add")}</button>
    </>
  );
  return (
    <Page title={t("title")} actions={actions}>
      {users.refusal && <Refused refusal={users.refusal} reload={users.reload} />}
      {!users.value && !users.refusal && <p>{common("loading")}</p>}
      {users.value?.length === 0 && <p class="empty">{t("none")}</p>}
      {users.value && users.value.length > 0 && <UserTable users={users.value} onOpen={setOpen} />}
      {users.value && (
        <p class="dim">
          <a href="/account">{t("tokensAre")}</a>
        </p>
      )}
      {open?.what === "add" && <AddDialog onClose={setOpen} />}
      {open?.what === "change" && <ChangeDialog user={open.user} onClose={setOpen} />}
      {open?.what === "remove" && <RemoveDialog user={open.user} onClose={setOpen} />}
      {open?.what === "link" && <LinkDialog open={open} onClose={setOpen} />}
      {open?.what === "rotate" && <RotateDialog onClose={setOpen} />}
      {open?.what === "token" && <NewTokenDialog token={open.token} onClose={setOpen} />}
    </Page>
  );
}

function UserTable({ users, onOpen }: { users: readonly UserView[]; onOpen: (open: Open) => void }) {
  return (
    <div class="scroll">
      <table>
        <TableHead
          columns={(["user", "role", "nodes", "login", "added"] as const).map((column) => t(column))}
        />
        <tbody>{users.map((user) => <UserRow key={user.name} user={user} onOpen={onOpen} />)}</tbody>
      </table>
    </div>
  );
}

function UserRow({ user, onOpen }: { user: UserView; onOpen: (open: Open) => void }) {
  const { name, role, groups, created, isRefused } = user;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{roleText(role)}</td>
      <td>{role === "operator" ? groups?.join(", ") ?? t("allNodes") : "–"}</td>
      <td class={isRefused ? "problem" : undefined}>{loginText(user)}</td>
      <td>
        <Exact at={created} />
      </td>
      <td class="buttons">
        <button
          type="button"
          aria-label={t("changeTitle", { name })}
          onClick={() => onOpen({ what: "change", user })}
        >
          {t("change")}
        </button>
        {name !== whoAmI.value?.name && (
          <button
            type="button"
            aria-label={t("removeTitle", { name })}
            onClick={() => onOpen({ what: "remove", user })}
          >
            {t("remove")}
          </button>
        )}
      </td>
    </tr>
  );
}

function loginText({ hasPassword, signsOn, isRefused }: UserView): string {
  if (isRefused) return t("refused");
  if (signsOn) return t("signsOn");
  return hasPassword ? t("password") : t("noPassword");
}
