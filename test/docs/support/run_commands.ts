/**
 * Runs commands on a site of its own, one after the other, and prints the result of each as a line of JSON. Start
 * it in new mount and network namespaces: nothing outside sees its mounts and interfaces.
 */
import { CommandSite } from "./command_site.ts";

const [product = "", ...commands] = Deno.args;
await using site = await CommandSite.open(product);
for (const command of commands) console.log(JSON.stringify(await site.run(command)));
