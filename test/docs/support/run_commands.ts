/**
 * Runs commands on a site of its own, one after the other, and prints what became of each as a line of JSON. To be
 * started in new mount and network namespaces: what it mounts and binds is seen by nobody else.
 */
import { CommandSite } from "./command_site.ts";

const [product = "", ...commands] = Deno.args;
await using site = await CommandSite.open(product);
for (const command of commands) console.log(JSON.stringify(await site.run(command)));
