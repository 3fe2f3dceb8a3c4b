/** What `rackseed node backup` and `rackseed node agent` do. */
import { AgentToken, BackupRequest, CaptureView } from "#contract/api.ts";
import { agentScript } from "./agent_script.ts";
import { cancelledOnAbort, printPublished, waitForCapture } from "./capture.ts";
import { connect } from "./connection.ts";
import { formatSeconds } from "./figures.ts";
import { setNodes } from "./node_set.ts";
import { namedNodes, type NodeOptions } from "./nodes.ts";
import { print, printJson, remark } from "./terminal.ts";
import { checked } from "./usage.ts";

/** One after the other. */
export async function backupNodes(
  words: readonly string[],
  { every, level, exclude, json, signal, ...options }: NodeOptions & {
    /** Seconds. */
    every?: number | "off" | undefined;
    level: number;
    exclude: readonly string[];
  },
): Promise<void> {
  if (every !== undefined) {
    const settings = { backupEverySeconds: every === "off" ? "none" as const : every };
    await setNodes(words, { ...options, settings, json, signal });
    const schedule = every === "off" ? "not scheduled any more" : `due every ${formatSeconds(every)}`;
    if (!json) remark(`backups are ${schedule}, while the nodes' agents run`);
    return;
  }
  const body = checked(BackupRequest, { name: "backup", value: { level, excludes: exclude } });
  using client = await connect(options, signal);
  for (const node of await namedNodes(client, { words, signal })) {
    const path = `/nodes/${encodeURIComponent(node)}/backup`;
    const { id } = await client.post(path, { body, schema: CaptureView, signal });
    const backup = await cancelledOnAbort(
      client,
      { capture: id, signal },
      () => waitForCapture(client, { id, signal }),
    );
    printPublished(backup, { ...(json !== undefined && { json }) });
  }
}

export async function printAgent(key: string, { json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const path = `/nodes/${encodeURIComponent(key)}/agent`;
  const agent = await client.post(path, { body: {}, schema: AgentToken, signal });
  if (json) printJson(agent);
  else print(agentScript(agent));
}
