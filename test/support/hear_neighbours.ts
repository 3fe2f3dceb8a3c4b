/** Listens on a NIC as a node does that is discovered, and prints what it heard as JSON: NIC, seconds. */
import { hearNeighbours } from "../../agent/hardware/neighbours.ts";

if (import.meta.main) {
  const [nic = "", seconds = ""] = Deno.args;
  const { signal } = new AbortController();
  const heard = await hearNeighbours([nic], { forMs: Number(seconds) * 1000, signal });
  console.log(JSON.stringify([...heard]));
}
