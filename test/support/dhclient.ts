import assert from "node:assert/strict";
import type { NetworkNamespace } from "./netns.ts";

/** The lease file of a `dhclient` that asked once, on the machine's interface `lan`. `conf`: its dhclient.conf(5). */
export async function leaseOfDhclient(machine: NetworkNamespace, { conf = "" } = {}): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "dhclient-" });
  try {
    await Deno.writeTextFile(`${folder}/conf`, conf);
    const files = ["-lf", `${folder}/leases`, "-pf", `${folder}/pid`, "-cf", `${folder}/conf`];
    const argv = ["dhclient", "-v", "-sf", "/bin/true", ...files];
    const { code, stderr } = await machine.run([...argv, "-1", "lan"]);
    assert.equal(code, 0, stderr);
    await machine.run([...argv, "-x", "lan"]);
    return await Deno.readTextFile(`${folder}/leases`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
