/** `rackseed hook …` */
import type { z } from "zod";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { HookContent, type HookKey, HookMoment, HookName, HookScope } from "#contract/api/hooks.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { formatBytes, formatSeconds } from "../words/figures.ts";
import { print, printFields, printJson, printTable } from "./terminal.ts";
import { checked, UsageError } from "../words/usage.ts";

interface HookOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** What identifies a hook, in addition to its moment. */
interface HookChoice {
  readonly name: string;
  readonly image?: string | undefined;
  readonly group?: string | undefined;
  readonly node?: string | undefined;
  readonly all?: boolean | undefined;
}
type OneHook = HookOptions & HookChoice;

export async function listHooks({ json, signal, ...options }: HookOptions): Promise<void> {
  using client = await connect(options, signal);
  const hooks = await client.call("GET /hooks", { signal });
  if (json) return printJson(hooks);
  if (hooks.length === 0) return print("no hooks yet; see `rackseed hook set --help`");
  printTable(
    ["for", "when", "name", "on failure", "time limit", "script"],
    hooks.map((hook) => [
      hook.scope.replace(":", " "),
      hook.when,
      hook.name,
      hook.optional ? "continues" : "fails",
      formatSeconds(hook.timeoutSeconds),
      formatBytes(hook.scriptBytes),
    ]),
  );
}

export async function showHook(when: string, { json, signal, ...options }: OneHook): Promise<void> {
  using client = await connect(options, signal);
  const hook = await client.call("GET /hooks/:scope/:when/:name", { ...keyOf(when, options), signal });
  if (json) return printJson(hook);
  printFields({
    For: hook.scope.replace(":", " "),
    When: hook.when,
    Name: hook.name,
    "On failure": hook.optional ? "continues" : "fails",
    "Time limit": formatSeconds(hook.timeoutSeconds),
  });
  print("");
  print(hook.script.trimEnd());
}

export async function setHook(
  when: string,
  { file, optional, timeout, signal, ...options }: OneHook & {
    readonly file: string;
    readonly optional?: boolean | undefined;
    /** Seconds. */
    readonly timeout: number;
  },
): Promise<void> {
  const key = keyOf(when, options);
  const script = await readScript(file);
  const body = checked(HookContent, {
    name: file,
    value: { script, optional: optional ?? false, timeoutSeconds: timeout },
  });
  using client = await connect(options, signal);
  const hook = await client.call("PUT /hooks/:scope/:when/:name", { ...key, body, signal });
  print(`set the ${hook.when} hook ${hook.name} for ${hook.scope.replace(":", " ")}`);
}

export async function deleteHook(when: string, { signal, ...options }: OneHook): Promise<void> {
  using client = await connect(options, signal);
  await client.call("DELETE /hooks/:scope/:when/:name", { ...keyOf(when, options), signal });
  print(`deleted the ${when} hook ${options.name}`);
}

/** Throws UsageError. */
function keyOf(when: string, { name, image, group, node, all }: HookChoice): z.infer<typeof HookKey> {
  const [owner] = Object.entries({ image, group, node }).filter(([, value]) => value !== undefined);
  const scope = owner ? owner.join(":") : all ? "all" : undefined;
  if (scope === undefined) {
    throw new UsageError("choose the scope of the hook: --all, --image NAME, --group LABEL or --node NODE");
  }
  return {
    scope: checked(HookScope, { name: "scope", value: scope }),
    when: checked(HookMoment, { name: "when", value: when }),
    name: checked(HookName, { name: "--name", value: name }),
  };
}

async function readScript(file: string): Promise<string> {
  try {
    const bytes = file === "-"
      ? new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer())
      : await Deno.readFile(file);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RackseedError(`cannot read the script ${file}`, {
      reason: `${messageOf(error)}.`,
      remedy: "give a readable file that holds UTF-8 text.",
    });
  }
}
