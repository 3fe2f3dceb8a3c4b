/** A program that fetches HOST PORT NAME into FILE with the npm package `tftp`. */
import tftp from "npm:tftp@0.1.2";

const [host, port, name, file] = Deno.args;
tftp.createClient({ host, port: Number(port) }).get(name, file, (error: Error | undefined) => {
  if (error) console.error(error.message);
  Deno.exit(error ? 1 : 0);
});
