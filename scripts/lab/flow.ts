/** The whole product on real firmware: captures a template, and turns empty machines into its clones. */
import type { Check } from "./check.ts";
import { backUpNode } from "./backup_flow.ts";
import { discoverNode } from "./discover_flow.ts";
import { setHooks } from "./hooks.ts";
import { keepNode } from "./keep_flow.ts";
import { restartByKexec } from "./kexec_flow.ts";
import { type Clone, cloneNode, installAgain, orderNodes } from "./node_flow.ts";
import { checkOwnDisk, ownSum } from "./own_data.ts";
import type { PowerProtocol } from "./lab_bmc.ts";
import { cutPower } from "./power_cut_flow.ts";
import { deployByPower } from "./power_flow.ts";
import { ProductServer } from "./product_server.ts";
import { pullDisks } from "./pulled_disk_flow.ts";
import type { VirtualMachine } from "./qemu.ts";
import { restoreNode } from "./restore_flow.ts";
import { checkService, checkServiceEnd } from "./service_checks.ts";
import { captureTemplate } from "./template_flow.ts";
import { type LabOptions, type NodeFacts, nodeFacts, prepare, type Workplace } from "./workplace.ts";
import { checkUnarmed } from "./unarmed.ts";
import { Upgrade } from "./upgrade_flow.ts";
import { bootContainer } from "./container_flow.ts";
import { installByMedium } from "./medium_flow.ts";
import { liveByPages } from "./pages_flow.ts";
import { rehearseContainers } from "./rehearsal_flow.ts";

/** Runs all checks, in order. If a step cannot be finished, prints the ends of all logs and throws. */
export async function cloneMachines(
  options: LabOptions & {
    readonly nodes: number;
    /** How many times to install the first node, for the time that it takes. */
    readonly installs: number;
    /** Pull the disks of a mirror, one at a time. */
    readonly pullDisks: boolean;
    /** Damage the first clone and restore it. */
    readonly restore: boolean;
    /** Back up the first clone at its boot, and give it its data back. */
    readonly backup: boolean;
    /** Read the hardware of the first clone's machine at one boot. */
    readonly discover: boolean;
    /** Restore the first clone by kexec both ways, and through its firmware. */
    readonly kexec: boolean;
    /** How many times to cut the power of one more node during its installation. */
    readonly powerCuts: number;
    /** Install two more nodes, which ask for their identity. */
    readonly identity?: "ask" | undefined;
    /** Instead of all this: the nodes are off, and one command starts them through their BMCs. */
    readonly power?: PowerProtocol | undefined;
  },
): Promise<Check[]> {
  return await inWorkplace(options, async (lab) => {
    await using server = await lab.timeline.measure("server: started", () => ProductServer.start(lab));
    const { service } = server;
    const serviceChecks = service === undefined ? [] : [...tell(lab, await checkService(service))];
    const template = await captureTemplate(lab, { server });
    const plain = Array.from({ length: options.nodes }, (_, i) => nodeFacts(i + 1, lab.addresses));
    const nodes = options.identity === "ask" ? [...plain, ...askedNodes(options.nodes)] : plain;
    await setHooks(lab, { server });
    if (options.power !== undefined) {
      const { nodes: count, power: protocol } = options;
      const found = await deployByPower(lab, { template, server, count, protocol });
      return [...serviceChecks, ...tell(lab, found), ...await serviceEnd(lab, server)];
    }
    await using order = await orderNodes(lab, { nodes, server });
    const ownBefore = await Promise.all(nodes.map((node) => ownSum(lab, node)));
    const upgrade = upgradeOf(lab, { server, node: plain[0] });
    const during = (machine: VirtualMachine) => upgrade?.during(machine) ?? Promise.resolve();
    const clones = nodes.map((node, i) =>
      cloneNode(lab, { node, template, server, order, during: i === 0 ? during : undefined })
    );
    // The order ends if a node reports a failure; then the others are not awaited.
    const [, ...found] = await lab.together<Clone | undefined>([order.done.then(() => undefined), ...clones]);
    const checks = [
      ...serviceChecks,
      ...tell(lab, found.flatMap((clone, i) => ofNode(clone?.checks ?? [], nodes[i]))),
      ...tell(lab, await upgrade?.checks() ?? []),
    ];
    const [node] = nodes, [clone] = found;
    if (options.pullDisks && lab.layout?.isMirrored && node) {
      checks.push(...tell(lab, ofNode(await pullDisks(lab, { node }), node)));
    }
    if (options.restore && node && clone) {
      checks.push(...tell(lab, ofNode(await restoreNode(lab, { node, template, server, clone }), node)));
    }
    if (options.discover && node && clone) {
      checks.push(...tell(lab, ofNode(await discoverNode(lab, { node, server }), node)));
    }
    if (options.kexec && node && clone) {
      checks.push(...tell(lab, ofNode(await restartByKexec(lab, { node, server, clone }), node)));
    }
    if (options.backup && node && clone) {
      checks.push(...tell(lab, ofNode(await backUpNode(lab, { node, server, clone }), node)));
    }
    const person = nodes[options.nodes], answered = found[options.nodes];
    if (options.identity === "ask" && person && answered) {
      checks.push(
        ...ofNode(await keepNode(lab, { node: person, template, server, clone: answered }), person),
      );
    }
    if (options.powerCuts > 0) {
      const further = nodeFacts(nodes.length + 1), cuts = options.powerCuts;
      const found = await cutPower(lab, { node: further, template, server, cuts });
      checks.push(...tell(lab, ofNode(found, further)));
    }
    for (const [i, node] of nodes.entries()) {
      checks.push(...ofNode(await checkOwnDisk(lab, { node, before: ownBefore[i] }), node));
    }
    // at the end, since it leaves another clone than the one that was checked
    for (let times = 1; node && times < options.installs; times++) await installAgain(lab, { node, server });
    checks.push(...await serviceEnd(lab, server));
    return checks;
  });
}

/** Undefined without a version before. */
function upgradeOf(
  lab: Workplace,
  { server, node }: { readonly server: ProductServer; readonly node: NodeFacts | undefined },
): Upgrade | undefined {
  const { service } = server, { previous } = lab;
  return service && previous && node ? new Upgrade(lab, { server, service, previous, node }) : undefined;
}

async function serviceEnd(lab: Workplace, { service }: ProductServer): Promise<readonly Check[]> {
  return service === undefined ? [] : tell(lab, [await checkServiceEnd(service)]);
}

/** Two more nodes: at one, a person mistypes the name first; at the other, with bond and VLAN, nobody answers. */
function askedNodes(before: number): NodeFacts[] {
  const person = nodeFacts(before + 1), nobody = nodeFacts(before + 2);
  const prompt = `name \\[${person.name}\\]`;
  const types = [
    { after: new RegExp(prompt), text: "not a name\r" },
    { after: new RegExp(`Not accepted: a host name[^]*${prompt}`), text: "node1\r" },
    { after: new RegExp(`belongs to the node node1[^]*${prompt}`), text: "tyx\x7fped\r" },
    { after: /address \[[\d./]+\]/, text: "\r" },
  ];
  const vlan = { id: 7, cidr: "10.78.0.7/24" };
  return [{ ...person, hostname: "typed", asked: { types } }, { ...nobody, asked: { types: [] }, vlan }];
}

/** A machine that is not armed must end at its own disk. */
export async function leaveOthersAlone(options: LabOptions): Promise<Check[]> {
  return await inWorkplace(options, checkUnarmed);
}

/** A container image must become a machine. */
export async function startContainer(options: LabOptions): Promise<Check[]> {
  return await inWorkplace(options, bootContainer);
}

/** Machines without a network must become clones by a medium. */
export async function startByMedium(options: LabOptions): Promise<Check[]> {
  return await inWorkplace(options, installByMedium);
}

/** Versions must be proved, or found broken, by the server alone. */
export async function startRehearsals(options: LabOptions): Promise<Check[]> {
  return await inWorkplace(options, rehearseContainers);
}

/** People at the desk must do everything, from the set-up link to a restored node. */
export async function startPages(options: LabOptions): Promise<Check[]> {
  return await inWorkplace(options, liveByPages);
}

/** Prints checks as soon as they are done, since the lab takes long. */
function tell({ timeline }: Workplace, checks: readonly Check[]): readonly Check[] {
  for (const { passed, what, seen } of checks) timeline.note(`${passed ? "ok" : "FAILED"}: ${what}: ${seen}`);
  return checks;
}

function ofNode(checks: readonly Check[], node: NodeFacts | undefined): Check[] {
  return checks.map((check) => ({ ...check, what: `${node?.name}: ${check.what}` }));
}

async function inWorkplace(
  options: LabOptions,
  task: (lab: Workplace) => Promise<Check[]>,
): Promise<Check[]> {
  await using lab = await prepare(options);
  try {
    return await task(lab);
  } catch (error) {
    for (const transcript of lab.transcripts) console.error(transcript.tail());
    throw error;
  }
}
