/** `rackseed node recovery-key`. */
import { RecoveryKeyRequest } from "#contract/api.ts";
import { connect } from "./connection.ts";
import type { NodeOptions } from "./each_node.ts";
import { print, printJson, printTable, remark } from "./terminal.ts";
import { formatTime } from "../words/figures.ts";
import { checked, UsageError } from "../words/usage.ts";

export async function recoveryKey(
  key: string,
  { again, log, json, signal, ...options }: NodeOptions & {
    again?: string | undefined;
    log?: boolean | undefined;
  },
): Promise<void> {
  if (log && again !== undefined) {
    throw new UsageError("--log shows no key, so that --again means nothing: give one");
  }
  const body = checked(RecoveryKeyRequest, { name: "recovery-key", value: { again } });
  using client = await connect(options, signal);
  if (log) {
    const uses = await client.call("GET /nodes/:node/recovery-key", { node: key, signal });
    if (json) return printJson(uses);
    if (uses.length === 0) return print("nobody has been shown it");
    return printTable(
      ["when", "who", "image", "reason"],
      uses.map(({ at, who, image, reason }) => [formatTime(at), who, image, reason ?? "first time"]),
    );
  }
  const view = await client.call("POST /nodes/:node/recovery-key", { node: key, body, signal });
  if (json) return printJson(view);
  for (const { recoveryKey, image, created, made } of view.keys) {
    print(recoveryKey);
    const use = made === undefined
      ? "the node has not reported that it is in use"
      : `in use since ${formatTime(made)}`;
    remark(`the key of ${view.node}, made for ${image} on ${formatTime(created)}; ${use}`);
  }
  remark("Keep it where the server is not: the next time, it is shown only with --again REASON.");
}
