/** `rackseed token …` */
import { type Role, TokenAdd } from "#contract/api/access.ts";
import { RackseedError } from "#contract/errors.ts";
import { checked } from "../words/usage.ts";
import { formatTime } from "../words/figures.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printJson, printTable, remark } from "./terminal.ts";

interface TokenOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

export async function listTokens({ json, signal, ...options }: TokenOptions): Promise<void> {
  using client = await connect(options, signal);
  const tokens = await client.call("GET /tokens", { signal });
  if (json) return printJson(tokens);
  if (tokens.length === 0) return print("no tokens yet; see `rackseed token add --help`");
  printTable(
    ["user", "name", "role", "expires", "last used", "id"],
    tokens.map(({ user, name, role, expires, lastUsed, id }) => [
      user,
      name,
      role,
      formatTime(expires),
      lastUsed === undefined ? "never" : formatTime(lastUsed),
      id,
    ]),
  );
}

export async function addToken(
  name: string,
  { user, role, days, json, signal, ...options }: TokenOptions & {
    readonly user?: string | undefined;
    readonly role: Role;
    readonly days: number;
  },
): Promise<void> {
  const body = checked(TokenAdd, { name: "token", value: { name, user, role, days } });
  using client = await connect(options, signal);
  const answer = await client.call("POST /tokens", { body, signal });
  if (json) return printJson(answer);
  print(answer.token);
  const { view } = answer;
  remark(`the token ${view.name} of ${view.user}, ${view.role}, until ${formatTime(view.expires)}`);
  remark("Keep it safe: it is not shown again.");
}

export async function revokeToken(
  key: string,
  { user, signal, ...options }: TokenOptions & { readonly user?: string | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  const tokens = await client.call("GET /tokens", { signal });
  const found = tokens.filter((token) =>
    (token.id === key || token.name === key) && (user === undefined || token.user === user)
  );
  const [token] = found;
  if (!token || found.length > 1) {
    throw new RackseedError(`cannot revoke the token ${key}`, {
      reason: token ? `${found.length} users have one of that name.` : "there is none of that name or id.",
      remedy: token ? "say whose it is: --user USER" : "see `rackseed token list`.",
      status: token ? 409 : 404,
    });
  }
  await client.call("DELETE /tokens/:id", { id: token.id, signal });
  print(`revoked the token ${token.name} of ${token.user}`);
}

export async function rotateAdmin({ json, signal, ...options }: TokenOptions): Promise<void> {
  using client = await connect(options, signal);
  const answer = await client.call("POST /tokens/rotate-admin", { signal });
  if (json) return printJson(answer);
  print(answer.token);
  remark("The old admin token is invalid, and all sessions of the page have ended.");
}
