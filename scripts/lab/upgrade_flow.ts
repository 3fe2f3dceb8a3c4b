/**
 * An upgrade in the middle of a deployment: the server of the version before installs a node; meanwhile its program is
 * replaced, the service restarted, and the way back tried. The node and the waiting command are not told.
 */
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Check } from "./check.ts";
import { written } from "./power_cut_flow.ts";
import type { ProductServer } from "./product_server.ts";
import type { VirtualMachine } from "./qemu.ts";
import { type ServerService, UNIT } from "./server_service.ts";
import { image } from "./template_flow.ts";
import type { NodeFacts, Workplace } from "./workplace.ts";

/** Some tens of megabytes on the disk: most of the image is still to come. */
const MIDDLE = written("[2-9]\\d|\\d{3,}");
/** The largest share of the image that may be fetched again because of the restarts. */
const TWICE = 0.1;
const DATA = "/var/lib/rackseed";
/** What a server says that finds the database of a later one. */
const REFUSAL =
  /cannot open the database [^\n]*later Rackseed \(schema (\d+), this one knows (\d+)\)\.\n +Remedy: start the newer[^\n]*/;
/** See server/store/database_copies.ts. */
const COPY = /^rackseed\.db\.schema-(\d+)$/;

const Version = z.object({ infoHash: z.string(), totals: z.object({ sealedBytes: z.int() }) });
const Verified = z.object({ last: z.object({ number: z.int(), hash: z.string() }) });
const Node = z.object({
  state: z.string(),
  armed: z.boolean(),
  log: z.array(z.object({
    step: z.string(),
    state: z.string(),
    times: z.object({ fetchedBytes: z.int() }).optional(),
  })),
});

/** As the server of the version before had it. */
interface Before {
  readonly infoHash: string;
  /** The last line of its audit log, as `--expect` takes it. */
  readonly auditLine: string;
  readonly steps: readonly string[];
}

interface Copy {
  readonly name: string;
  readonly schema: number;
  /** Why nobody could go back to it. */
  readonly problem: string | undefined;
}

interface Context {
  readonly server: ProductServer;
  readonly service: ServerService;
  /** The program of the version before. */
  readonly previous: string;
  readonly node: NodeFacts;
}

export class Upgrade {
  readonly #lab: Workplace;
  readonly #context: Context;
  readonly #checks: Check[] = [];
  #before: Before | undefined;

  constructor(lab: Workplace, context: Context) {
    this.#lab = lab;
    this.#context = context;
  }

  /** While `machine`, the node's, is being installed. */
  async during(machine: VirtualMachine): Promise<void> {
    await machine.serial.expect(MIDDLE, { timeoutMs: 1_800_000 });
    const { service, server, node, previous } = this.#context, { timeline, product } = this.#lab;
    const before = this.#before = await this.#facts();
    const running = await service.property("MainPID");
    await service.replace(product);
    await timeline.measure(
      "server: upgraded, its service restarted",
      () => service.systemctl("restart", UNIT),
    );
    const view = await nodeOf(server, node), after = await this.#facts();
    const copy = await this.#copy();
    this.#checks.push({
      what: "the service runs the new version, while the node is being installed",
      passed: running !== await service.property("MainPID") && machine.isRunning && view.armed &&
        view.state === "installing",
      seen: `the node is ${view.state}, its machine ${machine.isRunning ? "runs" : "has ended"}`,
    }, {
      what: "a sound copy of the database from before it was migrated is beside it",
      passed: copy !== undefined && copy.problem === undefined,
      seen: copy?.problem ?? copy?.name ?? "there is none",
    }, {
      what: "the image's torrent and the node's steps so far are as before",
      passed: after.infoHash === before.infoHash && before.steps.length > 0 &&
        before.steps.every((step) => after.steps.includes(step)),
      seen: `info hash ${after.infoHash}; ${after.steps.join(", ")}`,
    });
    await this.#goBack({ previous, copy });
    await timeline.measure("server: the new version started again", async () => {
      await service.replace(product);
      await service.systemctl("reset-failed", UNIT);
      await service.systemctl("restart", UNIT);
    });
    this.#checks.push({
      what: "all this was in the middle of the installation",
      passed: machine.isRunning,
      seen: `the node's machine ${machine.isRunning ? "still runs" : "has ended"}`,
    });
  }

  /** Once the lab is done with everything else. */
  async checks(): Promise<Check[]> {
    const { server, node } = this.#context;
    if (this.#before === undefined) throw new Error("the server was not upgraded");
    const { log } = await nodeOf(server, node), { totals } = await versionOf(server);
    const enrolled = log.filter(({ step, state }) => step === "enrol" && state === "done").length;
    const fetched = log.find(({ step, times }) => step === "install" && times)?.times?.fetchedBytes;
    const { auditLine } = this.#before;
    const verified = await server.rackseed("audit", "verify", "--expect", auditLine).then(
      (said) => ({ passed: true, seen: said.trim() }),
      (error: Error) => ({ passed: false, seen: error.message }),
    );
    return [
      ...this.#checks,
      {
        what: "the node went on with its session: it enrolled once",
        passed: enrolled === 1,
        seen: `enrolled ${enrolled} times`,
      },
      {
        what: "the node went on with its torrent: at most 10 % of the image was fetched twice",
        passed: fetched !== undefined && fetched <= (1 + TWICE) * totals.sealedBytes,
        seen: `${fetched} of ${totals.sealedBytes} bytes fetched`,
      },
      { what: "the audit log is whole, from before the upgrade to now", ...verified },
    ];
  }

  /** Puts the version before in place again, and restarts the service. */
  async #goBack({ previous, copy }: { previous: string; copy: Copy | undefined }): Promise<void> {
    const { service } = this.#context;
    await service.replace(previous);
    const started = await service.systemctl("restart", UNIT).then(() => true, () => false);
    const said = started ? "" : await service.output.expect(REFUSAL, { timeoutMs: 60_000 });
    const [, wrote, knows] = REFUSAL.exec(said) ?? [];
    this.#checks.push({
      what: "going back is refused with words, which name the copy",
      passed: !started && copy !== undefined && said.endsWith(`put ${DATA}/${copy.name} in its place.`) &&
        Number(knows) === copy.schema && Number(wrote) > copy.schema,
      seen: started ? "the version before has started" : said.replaceAll(/\s+/g, " "),
    });
  }

  async #facts(): Promise<Before> {
    const { server, node } = this.#context;
    const { infoHash } = await versionOf(server), { log } = await nodeOf(server, node);
    const { last } = Verified.parse(JSON.parse(await server.rackseed("audit", "verify", "--json")));
    const steps = log.filter(({ state }) => state === "done").map(({ step }) => step);
    return { infoHash, auditLine: `${last.number}:${last.hash}`, steps };
  }

  /** The newest copy. It is opened elsewhere, since that may write files beside it. */
  async #copy(): Promise<Copy | undefined> {
    const { data } = this.#context.service, scratch = `${this.#lab.folder}/copy.db`;
    const schemas = [...Deno.readDirSync(data)].flatMap(({ name }) => COPY.exec(name)?.[1] ?? []).map(Number);
    const schema = schemas.sort((a, b) => a - b).at(-1);
    if (schema === undefined) return undefined;
    const name = `rackseed.db.schema-${schema}`;
    await Deno.copyFile(`${data}/${name}`, scratch);
    using db = new DatabaseSync(scratch);
    const [check] = db.prepare("PRAGMA integrity_check").all(),
      [version] = db.prepare("PRAGMA user_version").all();
    const isSound = check?.integrity_check === "ok" && version?.user_version === schema;
    return { name, schema, problem: isSound ? undefined : JSON.stringify({ name, ...check, ...version }) };
  }
}

async function versionOf(server: ProductServer): Promise<z.infer<typeof Version>> {
  return Version.parse(JSON.parse(await server.rackseed("image", "show", image, "--json")));
}

async function nodeOf(server: ProductServer, { name }: NodeFacts): Promise<z.infer<typeof Node>> {
  return Node.parse(JSON.parse(await server.rackseed("node", "show", name, "--json")));
}
