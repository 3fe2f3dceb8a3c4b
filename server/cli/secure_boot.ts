/** `rackseed secure-boot` */
import { X509Certificate } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printFields, printJson } from "./terminal.ts";

interface SecureBootOptions extends ConnectionOptions {
  /** Absolute or relative to the working directory. */
  readonly output?: string | undefined;
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** Throws RackseedError if the server signs nothing, or a file cannot be written. */
export async function showSecureBoot({ output, json, signal, ...options }: SecureBootOptions): Promise<void> {
  using client = await connect(options, signal);
  const view = await client.call("GET /secure-boot", { signal });
  if (output !== undefined) await save(output, view.files);
  if (json) return printJson(view);
  const { subject, fingerprint256 } = new X509Certificate(view.certificate);
  printFields({ certificate: subject, created: view.created, "SHA-256": fingerprint256 });
  if (output !== undefined) print(`${view.files.map(({ name }) => name).join(", ")} written to ${output}`);
}

async function save(folder: string, files: readonly { name: string; content: string }[]): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    for (const { name, content } of files) {
      await Deno.writeFile(`${folder}/${name}`, Uint8Array.fromBase64(content));
    }
  } catch (error) {
    throw new RackseedError(`cannot write the files to ${folder}`, {
      reason: `${messageOf(error)}.`,
      remedy: "name a directory that you may write to.",
    });
  }
}
