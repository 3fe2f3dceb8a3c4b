/**
 * The script that a clone runs once when its system has started: it runs the first-boot hooks, sends its report
 * (#contract/api/first_boot.ts) until the server has it, and removes itself. Pure. POSIX sh and programs that every system
 * has.
 */
import { type Hook, MAX_OUTPUT_BYTES, MAX_OUTPUT_LINES } from "#contract/api/hooks.ts";
import { interpreterOf } from "../../hooks/interpreter.ts";
import type { Client } from "../../boot_config/first_boot.ts";
import { SENDERS } from "./clients.ts";

interface RunScriptOptions {
  /** http://HOST:PORT/PATH */
  readonly url: string;
  readonly tryForSeconds: number;
  /** Tried in this order. */
  readonly clients: readonly Client[];
  readonly hooks: readonly Hook[];
  readonly environment: Readonly<Record<string, string>>;
  /** Folder of script, token and hooks. */
  readonly folder: string;
  /** What else to remove at the end; shell patterns. */
  readonly belongings: readonly string[];
}

export function runScript(options: RunScriptOptions): string {
  const { url, tryForSeconds, clients, hooks, environment, folder, belongings } = options;
  const { hostname, port, pathname } = new URL(url);
  const exported = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const calls = hooks.map((hook, i) =>
    ["run_hook", hookFile(hook, i), hook.timeoutSeconds, hook.optional ? "optional" : "required", hook.name]
      .concat(interpreterOf(hook.script)).map((word) => quoted(String(word))).join(" ")
  );
  return `#!/bin/sh
# Written by Rackseed when it installed this machine: reports to the image server once that the system is up, then
# removes itself and everything that belongs to it.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
umask 077
here=${quoted(folder)}
url=${quoted(url)} host=${quoted(hostname)} port=${port || "80"} path=${quoted(pathname)}
try_for=${tryForSeconds}
${exported.join("\n")}

bounded() {
  seconds=$1
  shift
  if command -v timeout > /dev/null 2>&1; then timeout "$seconds" "$@"; else "$@"; fi
}
${HOOKS}${clients.map((client) => SENDERS[client]).join("\n")}
${REPORT}
send() {
  for client in ${clients.join(" ")}; do
    status=$(send_$client)
    case $status in [245]??) return ;; esac
  done
}

main() {
  # a hook that the machine's restart interrupted is not run again
  if [ -f "$here/pending" ]; then
    cat "$here/pending" >> "$here/outcomes"
    rm -f "$here/pending"
  fi
${calls.map((call) => `  ${call}\n`).join("")}  began=$(now)
  pause=1
  while :; do
    report > "$here/report"
    send
    # 4xx: the token is no longer valid
    case $status in 2??|4??) break ;; esac
    [ $(($(now) - began)) -lt "$try_for" ] || break
    sleep "$pause"
    [ "$pause" -ge 30 ] || pause=$((pause * 2))
  done
  cd /
  rm -rf "$here" ${belongings.join(" ")}
  rmdir ${quoted(folder.slice(0, folder.lastIndexOf("/")))} 2> /dev/null
  exit 0
}

main
`;
}

/** The name of a hook's file in the folder "hooks". */
export function hookFile({ name }: Pick<Hook, "name">, index: number): string {
  return `${String(index).padStart(2, "0")}-${name}`;
}

const HOOKS = String.raw`
# run_hook FILE SECONDS required|optional NAME INTERPRETER…; once a required hook has failed, no other runs
run_hook() {
  file="$here/hooks/$1" limit=$2 need=$3 name=$4
  shift 4
  [ -f "$file" ] && [ ! -f "$here/failed" ] || return 0
  printf 'hook 255 %s %s\nout it did not finish: the machine went down\n' "$need" "$name" > "$here/pending"
  mv "$file" "$here/hook"
  bounded "$limit" "$@" "$here/hook" > "$here/output" 2>&1 < /dev/null
  code=$?
  {
    printf 'hook %s %s %s\n' "$code" "$need" "$name"
    tail -c ${MAX_OUTPUT_BYTES} "$here/output" | tail -n ${MAX_OUTPUT_LINES} | sed 's/^/out /'
    echo
  } >> "$here/outcomes"
  [ "$code" -eq 0 ] || [ "$need" = optional ] || : > "$here/failed"
  rm -f "$here/hook" "$here/output" "$here/pending"
}
`;

const REPORT = String.raw`
report() {
  echo "token $(cat "$here/token")"
  echo "hostname $(cat /proc/sys/kernel/hostname)"
  echo "boot-id $(cat /proc/sys/kernel/random/boot_id)"
  echo "uptime $(cut -d ' ' -f 1 /proc/uptime)"
  echo "kernel $(uname -r)"
  systemctl list-units --state=failed --no-legend --plain 2> /dev/null | sed 's/^\([^ ]*\).*/failed-unit \1/'
  [ ! -f "$here/outcomes" ] || cat "$here/outcomes"
}

now() {
  cut -d . -f 1 /proc/uptime
}
`;

/** One shell word, whatever characters it has. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
