/** `rackseed node backup` and `rackseed node agent`. */
import { BackupRequest, BootBackupRequest, DeployAnswer, NodeView } from "#contract/api.ts";
import { agentScript } from "../words/agent_script.ts";
import { cancelledOnAbort, printPublished, waitForCapture } from "./capture.ts";
import { connect } from "./connection.ts";
import { formatSeconds } from "../words/figures.ts";
import { setNodes } from "./node_set.ts";
import { forEachNode, namedNodes, type NodeOptions } from "./each_node.ts";
import { type NodeEnd, waitForNodes } from "./node_wait.ts";
import { print, printJson, remark } from "./terminal.ts";
import { checked, UsageError } from "../words/usage.ts";

interface BackupOptions extends NodeOptions {
  readonly level: number;
  readonly exclude: readonly string[];
  /** Seconds. */
  readonly every?: number | "off" | undefined;
  readonly atBoot?: boolean | undefined;
  /** Only with `atBoot`: the image whose kernel the nodes boot, and whether to wait until they are done. */
  readonly image?: string | undefined;
  readonly wait?: boolean | undefined;
}

/** Backs up the nodes one after the other. */
export async function backupNodes(patterns: readonly string[], all: BackupOptions): Promise<void> {
  const { every, atBoot, image, wait, level, exclude, json, signal, ...options } = all;
  if (every !== undefined && atBoot) {
    throw new UsageError(
      "--every needs a running agent on each node, --at-boot backs up once without it: give one of them",
    );
  }
  if (!atBoot && (image !== undefined || wait)) throw new UsageError("--image and --wait need --at-boot");
  if (atBoot) return await backupAtBoot(patterns, all);
  if (every !== undefined) {
    const settings = { backupEverySeconds: every === "off" ? "none" as const : every };
    await setNodes(patterns, { ...options, settings, json, signal });
    const schedule = every === "off" ? "no longer scheduled" : `due every ${formatSeconds(every)}`;
    if (!json) remark(`backups are ${schedule}, as long as the nodes' agents run`);
    return;
  }
  const body = checked(BackupRequest, { name: "backup", value: { level, excludes: exclude } });
  using client = await connect(options, signal);
  await forEachNode(await namedNodes(client, { patterns, signal }), {
    title: "cannot back up all of these nodes",
    signal,
    work: async (node) => {
      const { id } = await client.call("POST /nodes/:node/backup", { node, body, signal });
      const backup = await cancelledOnAbort(
        client,
        { capture: id, signal },
        () => waitForCapture(client, { id, signal }),
      );
      printPublished(backup, { ...(json !== undefined && { json }) });
    },
  });
}

async function backupAtBoot(
  patterns: readonly string[],
  { image, wait, level, exclude, json, signal, ...options }: BackupOptions,
): Promise<void> {
  const body = checked(BootBackupRequest, { name: "backup", value: { level, excludes: exclude, image } });
  using client = await connect(options, signal);
  const nodes: DeployAnswer["nodes"] = [];
  const armNode = async (node: string) => {
    const answer = await client.call("POST /nodes/:node/boot-backup", { node, body, signal });
    nodes.push(...answer.nodes);
    if (json) printJson(answer);
    else {
      print(
        `${node} will be backed up when it boots from the network, with the kernel of ${answer.image}; ` +
          "its disks are only read",
      );
    }
    const { settings } = await client.call("GET /nodes/:node", { node, signal });
    if (settings.mac === undefined) {
      remark(
        `its MAC address, which identifies it at boot, is not known: rackseed node set ${node} --mac MAC`,
      );
    }
  };
  const title = "cannot order the backup of all of these nodes";
  await forEachNode(await namedNodes(client, { patterns, signal }), { title, signal, work: armNode });
  if (wait) await waitForNodes(client, { nodes, quiet: json ?? false, end: endOfBackup, signal });
}

function endOfBackup({ backup, armed, state, report }: NodeView): NodeEnd | undefined {
  if (!backup) return { done: false, what: "is no longer to be backed up" };
  if (armed) return undefined;
  if (state === "aborted") return { done: false, what: "was cancelled" };
  if (state !== "failed") return { done: true, what: `is backed up: ${report?.message ?? ""}` };
  const problem = report?.problem;
  return { done: false, what: problem ? `${problem.title}: ${problem.detail}` : "has failed" };
}

export async function printAgent(key: string, { json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const agent = await client.call("POST /nodes/:node/agent", { node: key, signal });
  if (json) printJson(agent);
  else print(agentScript(agent));
}
