/** `rackseed template …` */
import { connect } from "./connection.ts";
import type { NodeOptions } from "./each_node.ts";
import { print, printJson, printTable } from "./terminal.ts";

export async function listTemplates({ json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const templates = await client.call("GET /templates", { signal });
  if (json) return printJson(templates);
  if (templates.length === 0) {
    return print("no templates yet; run `rackseed agent template` on a machine to capture");
  }
  printTable(
    ["template", "state", "address", "system", "obstacles"],
    templates.map((t) => [
      t.name,
      t.online ? "online" : "offline",
      t.address,
      t.source?.description ?? "-",
      t.lacks.join("; ") || "none",
    ]),
  );
}
