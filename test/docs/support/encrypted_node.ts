/** The encrypted image "vault" of the documentation, and a node that has made its volumes from it. */
import { DeployAnswer, Order } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { publishTree } from "../../flows/support/publish_tree.ts";
import { ENCRYPTED_LAYOUT } from "../../support/encrypted_layout.ts";
import { MACHINE_INVENTORY } from "../../support/inventory.ts";

export async function publishVault(client: ApiClient, { root }: { root: string }): Promise<void> {
  await publishTree(client, { image: "vault", root, layout: ENCRYPTED_LAYOUT });
}

/** Deploys "vault" to the node, and reports what its agent would. */
export async function encryptNode(
  client: ApiClient,
  { node, server }: { node: string; server: string },
): Promise<void> {
  const body = { nodes: [node], image: "vault", unlock: "tpm2" };
  const { nodes: [ordered] } = await client.post("/deployments", { body, schema: DeployAnswer });
  using agent = await ApiClient.connect({ server, token: ordered?.token ?? "" });
  const order = await agent.post("/node/enrol", { body: { inventory: MACHINE_INVENTORY }, schema: Order });
  agent.useSession(order.session);
  const reports = [{ step: "format", encrypted: true }, { step: "finish" }];
  for (const report of reports) {
    await agent.send("POST", "/node/report", { json: { ...report, state: "done", elapsedMs: 1 } });
  }
}
