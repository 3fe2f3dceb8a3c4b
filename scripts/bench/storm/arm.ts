/** Makes a node of every machine and deploys the image to all: `arm.ts TOKEN COUNT`. */
import { DeployAnswer, NodeView } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { addressOf, macOf, NETMASK_BITS, SERVER } from "./place.ts";

const [token = "", count = "0"] = Deno.args;
using client = await ApiClient.connect({ server: `https://${SERVER}:8443`, token });
const names = Array.from({ length: Number(count) }, (_, i) => `n${i}`);
for (const [i, name] of names.entries()) {
  const body = { mac: macOf(i), address: `${addressOf(i)}/${NETMASK_BITS}` };
  await client.put(`/nodes/${name}`, { body, schema: NodeView });
}
await client.post("/deployments", { body: { nodes: names, image: "web" }, schema: DeployAnswer });
