/** The users on the page, for admins. */
import { ROLES, type UserView } from "#contract/api/access.ts";
import type { Principal } from "../../access/principal.ts";
import { formatTime } from "../../words/figures.ts";
import { describeLogin } from "../../words/login_text.ts";
import { Header, Shell } from "./shell.tsx";

export function UsersPage({ principal, users }: { principal: Principal; users: readonly UserView[] }) {
  return (
    <Shell title="Rackseed: users" script="/users.js">
      <Header principal={principal}>
        <a href="/">Overview</a>
      </Header>
      <main>
        <section aria-labelledby="users-title">
          <div class="bar">
            <h2 id="users-title">Users</h2>
            <button type="button" id="add" class="primary">Add a user…</button>
          </div>
          <div class="table">
            <table aria-labelledby="users-title">
              <thead>
                <tr>
                  {["User", "Role", "Nodes", "Login", "Added"].map((title) => <th scope="col">{title}</th>)}
                  <th scope="col">
                    <span class="hidden">Action</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {users.map((user) => <UserRow user={user} isSelf={user.name === principal.user} />)}
              </tbody>
            </table>
            <p class="empty">No users yet. The admin token works without one.</p>
          </div>
          <p>
            <small>
              Each user's access tokens are on the page under the user's own name; an admin's page lists all.
            </small>
          </p>
        </section>
      </main>
      <AddDialog />
      <ChangeDialog />
      <RemoveDialog />
      <LinkDialog />
    </Shell>
  );
}

function UserRow({ user, isSelf }: { user: UserView; isSelf: boolean }) {
  const { name, role, groups, created, signsOn, isRefused } = user;
  return (
    <tr
      data-name={name}
      data-role={role}
      data-groups={groups?.join(", ") ?? ""}
      data-refused={isRefused ? "" : undefined}
      data-signs-on={signsOn ? "" : undefined}
    >
      <th scope="row">{name}</th>
      <td>{role}</td>
      <td>{role === "operator" ? groups?.join(", ") ?? "all" : "–"}</td>
      <td>
        <span class={isRefused ? "problem" : ""}>{describeLogin(user)}</span>
      </td>
      <td>{formatTime(created)}</td>
      <td>
        <button type="button" data-change>
          Change…<span class="hidden">{name}</span>
        </button>{" "}
        {!isSelf && (
          <button type="button" data-remove>
            Remove…<span class="hidden">{name}</span>
          </button>
        )}
      </td>
    </tr>
  );
}

function RoleFields() {
  return (
    <>
      <label>
        Role
        <select name="role">{ROLES.map((role) => <option value={role}>{role}</option>)}</select>
      </label>
      <label data-groups>
        Groups of nodes, separated by commas; empty for all nodes
        <input name="groups" maxlength={2000} autocomplete="off" spellcheck={false} />
      </label>
    </>
  );
}

function AddDialog() {
  return (
    <dialog id="add-dialog" aria-labelledby="add-title">
      <form>
        <h2 id="add-title">Add a user</h2>
        <label>
          Name
          <input
            name="name"
            required
            maxlength={64}
            pattern="[a-z][a-z0-9._@\-]{0,63}"
            title="Lower-case letters, digits and . _ - @"
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <RoleFields />
        <Actions submit="Add" />
      </form>
    </dialog>
  );
}

function ChangeDialog() {
  return (
    <dialog id="change-dialog" aria-labelledby="change-title">
      <form>
        <h2 id="change-title">
          Change <span data-chosen></span>
        </h2>
        <p data-provider>The site's OpenID provider decides about the role, at each login.</p>
        <div id="change-role">
          <RoleFields />
          <label>
            <input name="renew" type="checkbox" /> Forget the password, and make a link to choose another one
          </label>
        </div>
        <label>
          <input name="refuse" type="checkbox" /> Refuse logins and tokens of this user
        </label>
        <p>
          <small>The user's sessions end.</small>
        </p>
        <Actions submit="Change" />
      </form>
    </dialog>
  );
}

function RemoveDialog() {
  return (
    <dialog id="remove-dialog" aria-labelledby="remove-title">
      <form>
        <h2 id="remove-title">
          Remove <span data-chosen></span>
        </h2>
        <p>All sessions and tokens of the user end.</p>
        <p data-provider>
          <strong>The user comes back with the next login through the OpenID provider.</strong>{" "}
          To keep the user out, change it and refuse it.
        </p>
        <Actions submit="Remove" isDanger />
      </form>
    </dialog>
  );
}

function LinkDialog() {
  return (
    <dialog id="link-dialog" aria-labelledby="link-title">
      <h2 id="link-title">
        A link for <span id="link-user"></span>
      </h2>
      <label>
        With this link the user chooses a password, once. It is not shown again.
        <input id="link" readonly />
      </label>
      <p>
        <small>
          Good until <span id="link-until"></span>. Whoever has it becomes this user.
        </small>
      </p>
      <div class="actions">
        <button type="button" value="close">Close</button>
      </div>
    </dialog>
  );
}

function Actions({ submit, isDanger = false }: { submit: string; isDanger?: boolean }) {
  return (
    <>
      <p class="problem" role="alert"></p>
      <div class="actions">
        <button type="button" value="close">Cancel</button>
        <button type="submit" class={isDanger ? "danger" : "primary"}>{submit}</button>
      </div>
    </>
  );
}
