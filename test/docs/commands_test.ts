/** Every command of the documentation is run as it is written, or listed with what runs it instead. */
import assert from "node:assert/strict";
import { PAGES } from "../../server/web/help/book.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { missingForDisks } from "../node/loop_disk.ts";
import { commandsOf, type Document, readDocuments } from "./support/documents.ts";
import type { Ran } from "./support/command_site.ts";

const documents = await readDocuments();

/** Commands that run on the site of support/command_site.ts. */
const RUN = /^(rackseed|sha256sum) /;

/** Commands that are not run here, and what runs them instead. */
const NOT_RUN: readonly (readonly [command: RegExp, reason: string])[] = [
  [/^npx -y deno@[\d.]+ task (demo|test|ok|build|lab)\b/, "CI runs test, ok and build; test/vm runs the lab"],
  [/^npx -y deno@[\d.]+ task volumes\b/, "CI runs the richest of them: test/vm/volumes_test.ts"],
  [
    /^npx -y deno@[\d.]+ task ansible\b/,
    "it takes minutes; CI runs the module of nodes: test/interop/ansible_nodes_test.ts",
  ],
  [/^npx -y deno@[\d.]+ task pages\b/, "it takes minutes; CI runs the pages' own tests: test/web"],
  [/^npx -y deno@[\d.]+ task netboot\b/, "CI runs two of its ways: test/vm/netboot_test.ts"],
  [/^deno (fmt|lint|check|test)\b/, "parts of `deno task ok`"],
  [/^deno task lab\b/, "takes long; test/vm runs the two richest labs"],
  [/^deno task (build|unit|ok|demo|test)\b/, "parts of `deno task ok`"],
  [
    /^deno task bench\b/,
    "takes minutes; book_test.ts checks names and options, units beside the benches the rest",
  ],
  [/^truncate -s 1G \/tmp\/a\.img /, "makes the disks of the next one"],
  [/^deno run -A scripts\/lab\/small_vm\.ts\b/, "test/vm/small_vm_test.ts runs it"],
  [/^RACKSEED_GOLDEN=write deno test\b/, "writes into the repository; pictures_test.ts is itself a test"],
  [/^systemctl (enable|start|stop|reload|restart)\b/, "needs the machine's own service manager"],
  [/^install -m 755 .\/rackseed\b/, "changes the machine; the lab with --upgrade does so"],
  [/^rackseed install-service\b/, "changes the machine; server/systemd/service_plan_test.ts installs it"],
  [/^rackseed image import edge edge\.(qcow2|oci\.tar)\b/, "test/node/import_test.ts imports such files"],
  [/^rackseed image export-disk\b/, "installs a virtual machine, which takes minutes: the lab does"],
  [
    /^rackseed (image (rehearse|rehearsal)|node rehearse)\b/,
    "boots a virtual machine, which takes minutes: the lab with --rehearse",
  ],
  [/^curl --cacert ca\.pem\b/, "test/flows/api_document_test.ts makes such calls"],
  [
    /^rackseed node (power|set .* --power|deploy .* --power)\b/,
    "needs BMCs: test/flows/power_test.ts has them",
  ],
  [
    /^rackseed node (deploy|restore) .*--now\b/,
    "restarts a machine: test/vm/kexec_test.ts, and the lab with --kexec",
  ],
  [/^rackseed medium (--|revoke)/, "needs an image that boots: the lab with --medium makes media"],
  [/^(scp edge1:|rackseed medium adopt)/, "needs such a machine: the lab with --medium adopts one"],
  [/^(pkcs11-tool|openssl req) .*/, "needs a token: test/interop/pkcs11_test.ts has one"],
  [/^rackseed server .*--signing-command\b/, "needs a token: test/interop/pkcs11_test.ts has one"],
  [/^rackseed machine adopt 52:/, "needs a machine that appears: test/interop/machines_test.ts has some"],
  [/^rackseed node log .*--follow\b/, "follows an order that goes on: test/flows/node_history_test.ts"],
  [/^rackseed node discover\b/, "needs machines that boot: the lab with --discover has one"],
  [/^ansible-(galaxy|inventory)\b/, "test/interop/ansible_nodes_test.ts installs and lists so"],
  [
    /^rackseed deployment (pause|resume|cancel|retry)\b/,
    "the id is an example: test/flows/deployments_test.ts gives such orders",
  ],
  [
    /^rackseed server .*--(pack-store|seeder off)\b/,
    "test/flows/pack_store_deployment_test.ts starts such servers",
  ],
  [
    /^(transmission-cli|rtorrent|aria2c|opentracker|rackseed server .*--tracker)\b/,
    "test/interop/rack_seeders_test.ts runs them",
  ],
  [
    /^rackseed (image (push|pull)|server .*--registry-seed)\b/,
    "needs a registry: test/interop/registry_test.ts pushes and pulls, test/flows/http_sources_test.ts seeds",
  ],
  [
    /^rackseed server .*--(boot-vlan|mtu)\b/,
    "needs such a network: test/interop/jumbo_frames_test.ts and test/vm/tagged.ts make one",
  ],
  [
    /^rackseed server .*--dhcp6 server\b/,
    "needs a network with IPv6 addresses: test/interop/dhcp6_clients_test.ts makes one",
  ],
  [
    /^rackseed (server .*--upstream|upstream)\b/,
    "test/flows/relay_test.ts has a relay beside its upstream",
  ],
  [
    /^rackseed image store move\b/,
    "needs a bucket: test/flows/pack_store_test.ts moves images there and back",
  ],
  [
    /^rackseed server (join|take-over|standby|--start-alone)\b/,
    "needs two machines: test/interop/failover_test.ts, and test/flows/standby_test.ts",
  ],
  [/^journalctl\b/, "needs the machine's own service manager"],
];

interface Command {
  readonly path: string;
  readonly command: string;
}

const isRun = (command: string) => RUN.test(command) && !NOT_RUN.some(([c]) => c.test(command));

const commands: readonly Command[] = inReadingOrder().flatMap(({ path, scripts }) =>
  scripts.flatMap(commandsOf).map((command) => ({ path, command }))
);

Deno.test("every command of the documentation is run, or listed as one that is not", () => {
  const unknown = commands.filter(({ command }) =>
    !RUN.test(command) && !NOT_RUN.some(([c]) => c.test(command))
  );
  assert.deepEqual(unknown, []);
  const idle = NOT_RUN.filter(([pattern]) => !commands.some(({ command }) => pattern.test(command)));
  assert.deepEqual(idle, [], "listed, but in no page");
});

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "blkid", "lsblk", "unshare", "ip"]);

Deno.test({
  name: "the commands of the documentation work, in the order of its pages",
  ignore: missing !== undefined,
  async fn() {
    const run = withoutRepeats(commands.filter(({ command }) => isRun(command)));
    const ended = await runOnSite(run.map(({ command }) => command));
    const failed = ended.flatMap(({ code, output }, i) => code === 0 ? [] : [{ ...run[i], code, output }]);
    assert.deepEqual(failed, []);
    assert.equal(ended.length, run.length);
  },
});

/** The README first, then the pages of Help, then all other files. */
function inReadingOrder(): readonly Document[] {
  const order = ["README.md", ...PAGES.map(({ path }) => path)];
  const place = ({ path }: Document) => order.includes(path) ? order.indexOf(path) : order.length;
  return documents.toSorted((a, b) => place(a) - place(b));
}

/** Drops repeats, except captures, of which each makes the next version, and settings, which others undo. */
function withoutRepeats(all: readonly Command[]): readonly Command[] {
  const seen = new Set<string>();
  return all.filter(({ command }) => {
    const isNew = !seen.has(command) || /^rackseed (capture|node set) /.test(command);
    seen.add(command);
    return isNew;
  });
}

/** In mount and network namespaces of its own. */
async function runOnSite(list: readonly string[]): Promise<Ran[]> {
  const script = new URL("./support/run_commands.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command("unshare", {
    args: [
      ...["--mount", "--net", "--propagation", "private"],
      ...[Deno.execPath(), "run", "-A", "--no-check", script, await ensureProduct(), ...list],
    ],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const lines = text(stdout).split("\n").filter((line) => line.startsWith("{"));
  if (lines.length === 0) throw new Error(text(stderr));
  return lines.map((line): Ran => JSON.parse(line));
}
