/** Completions as the shells themselves see them, and manual pages as man and mandoc judge them. */
import assert from "node:assert/strict";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { needs } from "../../test/support/needs.ts";
import { allCommands, commandTree } from "./command_tree.ts";
import { completionOf } from "./completion.ts";
import { printManual } from "./manual.ts";
import { createProgram } from "./program.ts";
import { unexpectedActions } from "./testing/actions.ts";

const program = createProgram(unexpectedActions()) as unknown as CommandUnknownOpts;
const tree = commandTree(program);

/** The words of a line, of which the last is being typed; what must be offered, and what must not. */
const LINES: [words: string[], offered: string[], not: string[]][] = [
  [["rackseed", ""], ["server", "node", "install-service"], ["deploy"]],
  [["rackseed", "no"], ["node"], ["server"]],
  [["rackseed", "node", ""], ["deploy", "set", "list"], ["server"]],
  [["rackseed", "node", "deploy", "--im"], ["--image"], ["--identity"]],
  [["rackseed", "server", "--dhcp", ""], ["off", "server", "proxy"], ["--data", "backup"]],
  [["rackseed", "server", "--http-port", "8080", "--dhcp-c"], ["--dhcp-clients"], ["--dhcp"]],
  [["rackseed", "server", "--http-port", ""], [], ["--data", "backup"]],
  [["rackseed", "server", "--tls-cert", "/etc/host"], ["/etc/hosts"], []],
  [["rackseed", "config", "check", "/etc/host"], ["/etc/hosts"], []],
];

Deno.test({
  name: "bash completes commands, options, their values and files",
  ...needs({ programs: ["bash"] }),
  async fn() {
    const script = completionOf(tree, "bash");
    assert.match(await shell("bash", `${script}\ncomplete -p rackseed`), /-F _rackseed rackseed/);
    for (const [words, offered, not] of LINES) {
      const typed = words.map((word) => `'${word}'`).join(" ");
      const said = await shell(
        "bash",
        `set -u\n${script}\nCOMP_WORDS=(${typed}) COMP_CWORD=${
          words.length - 1
        }\n_rackseed\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
      );
      check(words, { said: said.split("\n"), offered, not });
    }
  },
});

Deno.test({
  name: "fish completes the same",
  ...needs({ programs: ["fish"] }),
  async fn() {
    const script = completionOf(tree, "fish");
    for (const [words, offered, not] of LINES) {
      const said = await shell("fish", `${script}\ncomplete -C '${words.join(" ")}'`);
      check(words, { said: said.split("\n").map((line) => line.split("\t")[0] ?? ""), offered, not });
    }
  },
});

Deno.test({
  name: "zsh reads its completion",
  ...needs({ programs: ["zsh"] }),
  async fn() {
    const load = "autoload -Uz compinit && compinit -u -D";
    const said = await shell("zsh", `${load}\n${completionOf(tree, "zsh")}\nprint -r -- "$_comps[rackseed]"`);
    assert.equal(said.trim(), "_rackseed");
  },
});

Deno.test({
  name: "every command has a manual page, of which neither man nor mandoc complains",
  ...needs({ programs: ["man", "mandoc"] }),
  async fn() {
    const out = await Deno.makeTempDir({ prefix: "rackseed-man-" });
    try {
      printManual(program, { words: [], out, version: "1.2.3" });
      const pages = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
      assert.deepEqual(pages, allCommands(tree).map(({ path }) => `${path.replaceAll(" ", "-")}.1`).sort());
      const paths = pages.map((page) => `${out}/${page}`);
      const lint = await output("mandoc", ["-Tlint", "-W", "warning", ...paths]);
      // the pages carry a version instead of a date, so that each build makes the same
      const complaints = lint.split("\n").filter((line) => line !== "" && !/missing date/.test(line));
      assert.deepEqual(complaints, []);
      for (const page of ["rackseed.1", "rackseed-server.1", "rackseed-node-deploy.1"]) {
        assert.equal(
          await output("man", ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", `${out}/${page}`], "stderr"),
          "",
        );
      }
      const shown = await output("man", ["-l", `${out}/rackseed-server.1`]);
      assert.match(
        shown,
        /--http-port <port>\n\s+plain HTTP port[^]*?default: +8080/,
      );
    } finally {
      await Deno.remove(out, { recursive: true });
    }
  },
});

function check(
  words: string[],
  { said, offered, not }: { said: string[]; offered: string[]; not: string[] },
): void {
  const typed = JSON.stringify(words);
  assert.deepEqual(offered.filter((word) => !said.includes(word)), [], `${typed} does not offer`);
  assert.deepEqual(not.filter((word) => said.includes(word)), [], `${typed} offers`);
}

async function shell(program: string, script: string): Promise<string> {
  const flags = program === "zsh" ? ["-f"] : program === "fish" ? ["--no-config"] : ["--norc"];
  // as a file: one argument may have 128 KiB (MAX_ARG_STRLEN, execve(2))
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, script);
    return await output(program, [...flags, path]);
  } finally {
    await Deno.remove(path);
  }
}

/** What the program prints; its complaints are part of it. */
async function output(program: string, args: string[], only?: "stderr"): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args, env: { MANWIDTH: "100" } }).output();
  const text = new TextDecoder();
  return (only === "stderr" ? "" : text.decode(stdout)) + text.decode(stderr);
}
