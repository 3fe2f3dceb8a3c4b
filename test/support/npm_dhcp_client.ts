/** A program that gets a lease for MAC with the npm package `dhcp`, and prints it as JSON. */
import dhcp from "npm:dhcp@0.2.20";

const client = dhcp.createClient({ mac: (Deno.args[0] ?? "").replaceAll(":", "-") });
client.on("bound", (lease: unknown) => {
  console.log(JSON.stringify(lease));
  Deno.exit(0);
});
client.on("error", (error: unknown) => {
  console.error(error);
  Deno.exit(1);
});
client.on("listening", () => client.sendDiscover());
client.listen();
