/** Machines that are off become clones by one command, through their BMCs; those whose BMC is no good are named. */
import { z } from "zod";
import { NodeView } from "#contract/api.ts";
import { pythonBmcs } from "../../test/support/python_bmcs.ts";
import type { BackgroundProgram } from "./background_program.ts";
import type { Check } from "./check.ts";
import { BMC_PASSWORD, LabBmc, type PowerProtocol } from "./lab_bmc.ts";
import { cloneNode, machineOf, orderNodes } from "./node_flow.ts";
import type { ProductServer } from "./product_server.ts";
import { VirtualMachine } from "./qemu.ts";
import { SwitchedMachine } from "./switched_machine.ts";
import type { Template } from "./template_flow.ts";
import { type NodeFacts, nodeFacts, type Workplace } from "./workplace.ts";

/** The BMC of node N is at BMC_NETWORK.N. */
const BMC_NETWORK = "10.79.0";
const SERVER_ADDRESS = `${BMC_NETWORK}.254/24`;
const PORTS = { redfish: 443, ipmi: 623 } as const;
const STAGGER = { atOnce: 2, pauseSeconds: 5 };
/** The machines share the lab's few processors. */
const ARRIVE_SECONDS = 600;
const END_MS = 1_200_000;

interface PowerLab {
  readonly template: Template;
  readonly server: ProductServer;
  /** How many nodes become clones. */
  readonly count: number;
  readonly protocol: PowerProtocol;
}

export async function deployByPower(
  lab: Workplace,
  { template, server, count, protocol }: PowerLab,
): Promise<Check[]> {
  const good = Array.from({ length: count }, (_, i) => nodeFacts(i + 1));
  const dead = nodeFacts(count + 1), liar = nodeFacts(count + 2);
  await using stack = new AsyncDisposableStack();
  await lab.network.addServerNetwork("bmcs", { address: SERVER_ADDRESS });
  const machines = new Map<string, SwitchedMachine>();
  for (const node of [...good, liar]) {
    const start = (options: Parameters<ConstructorParameters<typeof SwitchedMachine>[0]>[0]) =>
      VirtualMachine.start({ ...machineOf(lab, node), ...options });
    const switching = { keepsOverride: protocol === "redfish", lies: node === liar };
    const machine = stack.use(new SwitchedMachine(start, switching));
    stack.use(await startBmc(lab, { node, machine, protocol }));
    machines.set(node.name, machine);
  }
  const nodes = [...good, dead, liar];
  await setPower(lab, { server, nodes, protocol });
  const options = ["--power", "--at-once", `${STAGGER.atOnce}`, "--pause", `${STAGGER.pauseSeconds}s`];
  await using order = await orderNodes(lab, {
    nodes,
    server,
    options: [...options, "--arrive-timeout", `${ARRIVE_SECONDS}s`],
  });
  // the order fails because of the other two, but not before these are up
  const clones = await lab.together(
    good.map((node) => cloneNode(lab, { node, template, server, order, machine: machines.get(node.name) })),
  );
  return [
    ...clones.flatMap(({ checks }, i) =>
      checks.map((check) => ({ ...check, what: `${good[i]?.name}: ${check.what}` }))
    ),
    await checkEnd(order),
    ...await checkFailures({ server, dead, liar, good }),
    ...good.map((node) => checkSwitching(node, machines.get(node.name))),
    checkStagger([...machines.values()]),
    await checkStates({ server, nodes: good }),
  ];
}

async function startBmc(
  lab: Workplace,
  { node, machine, protocol }: { node: NodeFacts; machine: SwitchedMachine; protocol: PowerProtocol },
): Promise<LabBmc> {
  const bin = await pythonBmcs();
  if (bin === undefined) throw new Error("the BMC emulators cannot be installed, see above");
  const folder = `${lab.folder}/${node.name}.bmc`, address = bmcAddress(node);
  await Deno.mkdir(folder);
  await lab.network.addAddress(address);
  return await LabBmc.start({
    name: node.name,
    protocol,
    address,
    port: PORTS[protocol],
    machine,
    bin,
    folder,
    log: `${lab.keep}/${node.name}.bmc.log`,
    inside: (argv) => lab.network.inside(argv),
    signal: lab.signal,
  });
}

function bmcAddress({ name }: NodeFacts): string {
  return `${BMC_NETWORK}.${/\d+$/.exec(name)?.[0]}`;
}

/** One command for all of them, by the number in their names. */
async function setPower(
  lab: Workplace,
  { server, nodes, protocol }: {
    server: ProductServer;
    nodes: readonly NodeFacts[];
    protocol: PowerProtocol;
  },
): Promise<void> {
  const file = `${lab.folder}/bmc-password`;
  await Deno.writeTextFile(file, `${BMC_PASSWORD}\n`, { mode: 0o600 });
  const power = ["--power", `${protocol}://admin@${BMC_NETWORK}.{n}`, "--power-password-file", file];
  await server.rackseed("node", "set", `node[1-${nodes.length}]`, ...power);
}

/** `node deploy --power --wait` ends with the nodes that failed, after the last clone is up. */
async function checkEnd(order: BackgroundProgram): Promise<Check> {
  const ended = AbortSignal.timeout(END_MS);
  const late = new Promise<string>((resolve) =>
    ended.addEventListener("abort", () => resolve("it did not end"))
  );
  const said = await Promise.race([
    order.done.then(() => "exit 0", (error: Error) => error.message),
    late,
  ]);
  const seen = said.replaceAll(/\s+/g, " ");
  return {
    what: "the one command ends with the two nodes that failed",
    passed: /2 of \d+ nodes failed/.test(seen),
    seen,
  };
}

async function checkFailures(
  { server, dead, liar, good }: {
    server: ProductServer;
    dead: NodeFacts;
    liar: NodeFacts;
    good: readonly NodeFacts[];
  },
): Promise<Check[]> {
  const startOf = async ({ name }: NodeFacts) => {
    const { power } = NodeView.parse(JSON.parse(await server.rackseed("node", "show", name, "--json")));
    return power?.start;
  };
  const failure = async (node: NodeFacts, what: string, cause: RegExp): Promise<Check> => {
    const { state, problem } = await startOf(node) ?? {};
    const passed = state === "failed" && cause.test(problem?.detail ?? "") && (problem?.remedy ?? "") !== "";
    return {
      what: `${node.name}, ${what}, is reported with cause and remedy`,
      passed,
      seen: seenIn(problem),
    };
  };
  const arrived = await Promise.all(good.map(startOf));
  return [
    await failure(dead, "whose BMC is dead", /does not answer/),
    await failure(liar, "whose BMC lies", /says that it is on, but its agent has not enrolled within/),
    {
      what: "the others are shown as started, without remarks",
      passed: arrived.every((start) => start?.state === "arrived" && start.note === undefined),
      seen: arrived.map((start) => [start?.state, start?.note].filter(Boolean).join(": ")).join(", "),
    },
  ];
}

function seenIn(problem: { detail: string; remedy: string } | undefined): string {
  return problem ? `${problem.detail} Remedy: ${problem.remedy}` : "no problem";
}

/** Only its BMC can have brought it to the network: without an override, the machine tries its disk alone. */
function checkSwitching({ name }: NodeFacts, machine: SwitchedMachine | undefined): Check {
  const { orders = [], boot } = machine ?? {};
  const seen = `${orders.join(", ")}; its next start is from the ${boot}`;
  return {
    what: `${name}: its BMC started it from the network once, and its boot order is as before`,
    passed: /^boot network, on(, boot disk)?; .* disk$/.test(seen),
    seen,
  };
}

function checkStagger(machines: readonly SwitchedMachine[]): Check {
  const starts = machines.flatMap(({ startedMs }) => startedMs ?? []).sort((a, b) => a - b);
  const { atOnce, pauseSeconds } = STAGGER;
  const gaps = starts.slice(atOnce).map((startMs, i) => (startMs - (starts[i] ?? startMs)) / 1000);
  return {
    what: `${atOnce} machines are switched at one time, ${pauseSeconds} s apart`,
    passed: gaps.every((gap) => gap >= pauseSeconds),
    seen: `gaps of ${gaps.map((gap) => gap.toFixed(1)).join(", ") || "none"} s`,
  };
}

/** The clones were shut down after their checks. */
async function checkStates(
  { server, nodes }: { server: ProductServer; nodes: readonly NodeFacts[] },
): Promise<Check> {
  const said = await server.rackseed("node", "power", "status", ...nodes.map(({ name }) => name), "--json");
  const states = z.array(z.object({ node: z.string(), state: z.string() })).parse(JSON.parse(said));
  return {
    what: "the BMCs say that the clones are off again",
    passed: states.length === nodes.length && states.every(({ state }) => state === "off"),
    seen: states.map(({ node, state }) => `${node} ${state}`).join(", "),
  };
}
