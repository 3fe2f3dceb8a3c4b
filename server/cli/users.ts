/** `rackseed user …` */
import { type Role, UserAdd, type UserAnswer, UserChange, UserName } from "#contract/api/access.ts";
import { checked, UsageError } from "../words/usage.ts";
import { formatTime } from "../words/figures.ts";
import { describeLogin } from "../words/login_text.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printJson, printTable } from "./terminal.ts";

interface UserOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

export async function listUsers({ json, signal, ...options }: UserOptions): Promise<void> {
  using client = await connect(options, signal);
  const users = await client.call("GET /users", { signal });
  if (json) return printJson(users);
  if (users.length === 0) return print("no users yet; see `rackseed user add --help`");
  printTable(
    ["user", "role", "nodes", "login", "added"],
    users.map((user) => [
      user.name,
      user.role,
      user.role === "operator" ? user.groups?.map((group) => `@${group}`).join(" ") ?? "all" : "–",
      describeLogin(user),
      formatTime(user.created),
    ]),
  );
}

export async function addUser(
  name: string,
  { role, group, json, signal, ...options }: UserOptions & {
    readonly role: Role;
    readonly group?: string[] | undefined;
  },
): Promise<void> {
  const body = checked(UserAdd, { name: "user", value: { name, role, ...(group && { groups: group }) } });
  using client = await connect(options, signal);
  const answer = await client.call("POST /users", { body, signal });
  show(answer, { json, server: client.server, verb: "added" });
}

export async function setUser(
  name: string,
  { role, group, allNodes, resetPassword, refuse, admit, json, signal, ...options }: UserOptions & {
    readonly role?: Role | undefined;
    readonly group?: string[] | undefined;
    readonly allNodes?: boolean | undefined;
    readonly resetPassword?: boolean | undefined;
    readonly refuse?: boolean | undefined;
    readonly admit?: boolean | undefined;
  },
): Promise<void> {
  const value = {
    role,
    groups: allNodes ? null : group,
    reset: resetPassword,
    refuse: refuse ?? (admit ? false : undefined),
  };
  if (Object.values(value).every((one) => one === undefined)) {
    throw new UsageError(
      "say what to change: --role, --group, --all-nodes, --reset-password, --refuse or --admit",
    );
  }
  const body = checked(UserChange, { name: "user", value });
  using client = await connect(options, signal);
  const answer = await client.call("PUT /users/:user", { user: nameOf(name), body, signal });
  show(answer, { json, server: client.server, verb: "changed" });
}

export async function removeUser(name: string, { signal, ...options }: UserOptions): Promise<void> {
  const user = nameOf(name);
  using client = await connect(options, signal);
  await client.call("DELETE /users/:user", { user, signal });
  print(`removed the user ${name}`);
}

function nameOf(text: string): string {
  return checked(UserName, { name: "user", value: text });
}

function show(
  answer: UserAnswer,
  { json, server, verb }: { json: boolean | undefined; server: URL; verb: string },
): void {
  const { user: { name, role, groups }, setup } = answer;
  const link = setup && new URL(setup.path, server).href;
  if (json) return printJson({ ...answer, ...(link !== undefined && { link }) });
  const where = groups === undefined ? "" : ` of ${groups.map((group) => `@${group}`).join(" ")}`;
  print(`${verb} ${name}, ${role}${where}`);
  if (setup === undefined) return;
  print(`To choose a password, once, until ${formatTime(setup.expires)}:\n  ${link}`);
}
