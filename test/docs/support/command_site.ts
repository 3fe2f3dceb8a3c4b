/**
 * The site of the documentation: server 10.0.0.1 on eth1, template web, nodes n1, n2 …; commands run on it as they
 * are written. It is a network and mount namespace of its own (see run_commands.ts). Nodes are directories, but
 * for the one that is backed up at its boot: its disk is a loop device.
 */
import { DeployAnswer, NodeView } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { z } from "zod";
import { serverEvents } from "../../../server/cli/events.ts";
import { makeSmallTree } from "../../flows/support/small_tree.ts";
import { encryptNode, publishVault } from "./encrypted_node.ts";
import { StillNode } from "../../node/still_node.ts";

export interface Ran {
  readonly command: string;
  readonly code: number;
  /** The end of what it printed. */
  readonly output: string;
}

const SERVER = "https://10.0.0.1:8443";
const DATA = "/var/lib/rackseed";
const TEMPLATE = "/srv/template";
const PATIENCE_MS = 60_000;
/** Commands that arm nodes. */
const ORDERS = /^rackseed node (deploy|restore|backup)\b/;

/** What is added to a command, and why. */
const ADDED: readonly (readonly [command: RegExp, options: string, reason: string])[] = [
  [
    /^rackseed agent template .*--name (\w+)/,
    ` --root ${TEMPLATE} --state /srv/state-$1`,
    "else it would capture the machine that the test runs on; the lab captures whole machines",
  ],
  [/^rackseed node \w+ .*--wait/, " --json", "so that the test knows the tokens of the nodes that it plays"],
];

export class CommandSite implements AsyncDisposable {
  readonly #folder: string;
  readonly #children = new Map<string, Deno.ChildProcess>();
  #serverCommand = "";
  #captures = 0;
  /** Whether the previous command may have left an order. */
  #hasOrders = false;
  #hasVault = false;
  #isInstalled = false;
  #tokens = new Map<string, string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Call it in namespaces of its own: it mounts over /var/lib, /srv and /mnt. */
  static async open(product: string): Promise<CommandSite> {
    const site = new CommandSite(await Deno.makeTempDir({ prefix: "rackseed-docs-" }));
    await site.#make(product);
    return site;
  }

  async run(command: string): Promise<Ran> {
    try {
      const added = ADDED.flatMap(([pattern, options]) => {
        const found = pattern.exec(command);
        return found ? options.replaceAll("$1", found[1] ?? "") : [];
      });
      const shell = command.replace("rs1.…", this.#tokenFor(command)) + added.join("");
      return { command, ...await this.#carryOut(command, shell) };
    } catch (error) {
      return { command, code: -1, output: error instanceof Error ? error.message : String(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#children.keys()]) await this.#stop(name);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #carryOut(command: string, shell: string): Promise<Omit<Ran, "command">> {
    const [, noun = "", verb = ""] = command.split(" ");
    const what = `${noun} ${verb}`;
    if (what === "server restore") return await this.#withoutServer(() => this.#sh(shell));
    if (noun === "server" && what !== "server backup") return await this.#serve(shell);
    if (what === "agent template") {
      return await this.#start(/--name (\w+)/.exec(shell)?.[1] ?? "web", {
        shell,
        until: /waiting as template/,
      });
    }
    if (what === "agent install") return await this.#sh(shell);
    if (this.#serverCommand === "") return await this.#sh(shell);
    if (what === "node cancel") await this.#arm(command.split(" ")[3] ?? "");
    else if (this.#hasOrders || ORDERS.test(command)) await this.#disarm();
    this.#hasOrders = ORDERS.test(command);
    if (/ vault\b/.test(command)) await this.#needVault();
    if (what === "node recovery-key") await this.#needEncrypted(command.split(" ")[3] ?? "");
    if (noun === "capture") await Deno.writeTextFile(`${TEMPLATE}/changed`, `${++this.#captures}`);
    if (what === "node backup" && !/--at-boot|--every/.test(command)) await this.#startNodeAgent("n1");
    if (what === "node check") await this.#needInstalled("n1");
    if (command.includes("--wait")) return await this.#play(command, shell);
    const ran = await this.#sh(shell);
    for (const [, node = "", token = ""] of ran.output.matchAll(/^ {2}(\S+) {2}--token (rs1\.\S+)$/gm)) {
      this.#tokens.set(node, token);
    }
    return ran;
  }

  /** `agent install` takes what the last `node deploy` printed. */
  #tokenFor(command: string): string {
    const node = /agent install .*\/(\w+)$/.exec(command)?.[1];
    if (node !== undefined) return this.#tokens.get(node) ?? "";
    return this.#serverCommand === "" ? "" : Deno.readTextFileSync(`${DATA}/token`).trim();
  }

  /** From now on the server of the site is this one, unless it has other data. */
  async #serve(shell: string): Promise<Omit<Ran, "command">> {
    const ran = await this.#start("server", { shell, until: /serves at/ });
    if (ran.code !== 0) return ran;
    if (!shell.includes("--data")) this.#serverCommand = shell;
    else await this.#start("server", { shell: this.#serverCommand, until: /serves at/ });
    await this.#untilTemplate("web");
    return ran;
  }

  async #withoutServer<T>(work: () => Promise<T>): Promise<T> {
    await this.#stop("server");
    try {
      return await work();
    } finally {
      await this.#start("server", { shell: this.#serverCommand, until: /serves at/ });
      await this.#untilTemplate("web");
    }
  }

  /** Runs a command that waits for nodes, and plays those nodes. */
  async #play(command: string, shell: string): Promise<Omit<Ran, "command">> {
    const order = this.#spawn(shell);
    const output = new OutputOf(order);
    const { nodes } = await output.first(DeployAnswer);
    for (const { node, token } of nodes) await this.#playNode(node, { command, token });
    const { code } = await order.status;
    return { code, output: await output.end() };
  }

  async #playNode(node: string, { command, token }: { command: string; token: string }): Promise<void> {
    if (command.includes("--at-boot")) {
      await using still = await StillNode.make();
      return await still.boot({ server: SERVER, token });
    }
    const target = `/srv/nodes/${node}`;
    const restores = command.includes("node restore");
    if (!restores) await Deno.remove(target, { recursive: true }).catch(() => {});
    await Deno.mkdir(target, { recursive: true });
    const { code, output } = await this.#sh(
      `rackseed agent install --server ${SERVER} --token ${token} --target ${target}${
        restores ? " --restore" : ""
      }`,
    );
    if (code !== 0) throw new Error(output);
  }

  /** Uses the token in the script that `node agent` sent to the node. */
  async #startNodeAgent(node: string): Promise<void> {
    if (this.#children.has(node)) return;
    const script = await Deno.readTextFile(`${this.#folder}/sent-to-node`);
    const token = /^RACKSEED_TOKEN=(.+)$/m.exec(script)?.[1];
    const where = `--server ${SERVER} --token ${token} --root /srv/nodes/${node} --state /srv/state-${node}`;
    await this.#start(node, {
      shell: `rackseed agent template --name ${node} ${where}`,
      until: /waiting as template/,
    });
  }

  /** As the image has it, with an agent. */
  async #needInstalled(node: string): Promise<void> {
    if (this.#isInstalled) return;
    this.#isInstalled = true;
    await this.#stop(node);
    await this.#disarm();
    using client = await this.#client();
    const body = { nodes: [node], image: "web" };
    const { nodes: [ordered] } = await client.post("/deployments", { body, schema: DeployAnswer });
    await this.#playNode(node, { command: "rackseed node deploy", token: ordered?.token ?? "" });
    await this.#startNodeAgent(node);
  }

  /** Cancels all orders and forgets MAC addresses: a directory needs no kernel to boot, a machine does. */
  async #disarm(): Promise<void> {
    using client = await this.#client();
    for (const { name, armed, settings } of await client.get("/nodes", z.array(NodeView))) {
      if (armed) await client.post(`/nodes/${name}/cancel`, { body: {}, schema: NodeView });
      const { mac, ...others } = settings;
      if (mac !== undefined) await client.put(`/nodes/${name}`, { body: others, schema: NodeView });
    }
  }

  async #needVault(): Promise<void> {
    if (this.#hasVault) return;
    using client = await this.#client();
    await publishVault(client, { root: TEMPLATE });
    this.#hasVault = true;
  }

  /** The first command about a recovery key finds one that nobody has seen. */
  async #needEncrypted(node: string): Promise<void> {
    await this.#needVault();
    using client = await this.#client();
    const { encryption } = await client.get(`/nodes/${node}`, NodeView);
    if (!encryption) await encryptNode(client, { node, server: SERVER });
  }

  async #arm(word: string): Promise<void> {
    await this.#disarm();
    const { code, output } = await this.#sh(`rackseed node deploy ${word} --image web`);
    if (code !== 0) throw new Error(output);
  }

  async #untilTemplate(name: string): Promise<void> {
    if (!this.#children.has(name)) return;
    using client = await this.#client();
    for await (const event of serverEvents(client, AbortSignal.timeout(PATIENCE_MS))) {
      if (event.type === "template" && event.template.name === name && event.template.online) return;
    }
  }

  #client(): Promise<ApiClient> {
    return ApiClient.connect({ server: SERVER, token: Deno.readTextFileSync(`${DATA}/token`).trim() });
  }

  /** Runs in the background until it is stopped, or another of that name starts. */
  async #start(
    name: string,
    { shell, until }: { shell: string; until: RegExp },
  ): Promise<Omit<Ran, "command">> {
    await this.#stop(name);
    const child = this.#spawn(`exec ${shell}`);
    const output = new OutputOf(child);
    const found = await output.matches(until);
    if (!found) return { code: (await child.status).code || 1, output: await output.end() };
    this.#children.set(name, child);
    return { code: 0, output: "" };
  }

  async #stop(name: string): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined) return;
    this.#children.delete(name);
    try {
      child.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await child.status;
  }

  async #sh(shell: string): Promise<Omit<Ran, "command">> {
    const child = this.#spawn(shell);
    const output = new OutputOf(child);
    const { code } = await child.status;
    return { code, output: await output.end() };
  }

  #spawn(shell: string): Deno.ChildProcess {
    return new Deno.Command("sh", {
      args: ["-c", `exec 2>&1; ${shell}`],
      cwd: this.#folder,
      env: { PATH: `${this.#folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, SITE: this.#folder },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
    }).spawn();
  }

  async #make(product: string): Promise<void> {
    const script = `
      mount -t tmpfs tmpfs /var/lib; mount -t tmpfs tmpfs /srv; mount -t tmpfs tmpfs /mnt
      mkdir -p /mnt/usb /srv/tools /srv/n2 bin dist
      ip link set lo up; ip link add eth1 type veth peer name nodes
      ip address add 10.0.0.1/24 dev eth1; ip link set eth1 up; ip link set nodes up
      ln -s "$1" bin/rackseed; ln -s "$1" dist/rackseed
      printf '#!/bin/sh\\ncat > "$SITE/sent-to-node"\\n' > bin/ssh; chmod +x bin/ssh
      for name in fix stop grow; do echo true > $name.sh; done
      echo correct horse battery > /mnt/usb/passphrase
      echo tool > /srv/tools/tool`;
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-ec", script, "sh", product],
      cwd: this.#folder,
    }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    await makeSmallTree(TEMPLATE);
    await Deno.writeTextFile(`${TEMPLATE}/etc/os-release`, 'PRETTY_NAME="A small tree"\n');
    await Deno.writeTextFile(`${TEMPLATE}/etc/machine-id`, "0123456789abcdef0123456789abcdef\n");
  }
}

/** Reads what a process prints as it comes, so that the process never blocks. */
class OutputOf {
  #text = "";
  #changed = Promise.withResolvers<void>();
  readonly #done: Promise<void>;
  #ended = false;

  constructor(child: Deno.ChildProcess) {
    this.#done = this.#read(child.stdout);
  }

  async end(): Promise<string> {
    await this.#done;
    return this.#text.slice(-4000);
  }

  /** False if the process ends first. */
  async matches(pattern: RegExp): Promise<boolean> {
    while (!pattern.test(this.#text) && !this.#ended) await this.#changed.promise;
    return pattern.test(this.#text);
  }

  /** The first JSON document; what follows it may have come at the same time. */
  async first<T>(schema: z.ZodType<T>): Promise<T> {
    const document = /^\{.*?^\}$/ms;
    if (!await this.matches(document)) throw new Error(this.#text);
    return schema.parse(JSON.parse(document.exec(this.#text)?.[0] ?? ""));
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
