/** Kernel and initramfs of an order, fetched into memory and checked. */
import { createHash } from "node:crypto";
import type { RestartOrder } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { ApiClient } from "#contract/client.ts";
import { MemoryFile } from "../sys/kexec.ts";
import { type Pause, withRetry } from "../sys/retry.ts";

type Name = "vmlinuz" | "initramfs";

const RETRY_BUDGET_MS = 120_000;

export interface Fetching {
  readonly client: Pick<ApiClient, "send">;
  /** The template's id at the server. */
  readonly id: string;
  readonly signal: AbortSignal;
  readonly pause?: Pause | undefined;
}

/** Throws RackseedError if the file is not what the order says. */
export async function fetchBootFile(
  name: Name,
  { expected, client, id, signal, pause }: Fetching & { expected: RestartOrder["kernel"] },
): Promise<MemoryFile> {
  const path = `/templates/${id}/boot/${name}`;
  return await withRetry(async () => {
    const response = await client.send("GET", path, { signal });
    const file = new MemoryFile(name);
    try {
      await receive(response, { name, file, expected });
      return file;
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }, { signal, budgetMs: RETRY_BUDGET_MS, ...(pause && { pause }) });
}

async function receive(
  response: Response,
  { name, file, expected }: { name: Name; file: MemoryFile; expected: RestartOrder["kernel"] },
): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  {
    using output = await file.open();
    try {
      for await (const part of response.body ?? []) {
        bytes += part.length;
        if (bytes > expected.sizeBytes) break;
        hash.update(part);
        for (let done = 0; done < part.length;) done += await output.write(part.subarray(done));
      }
    } catch (error) {
      throw new RackseedError(`cannot fetch the installer's ${name}`, {
        reason: messageOf(error),
        remedy: "check the network between this machine and the server.",
        status: 503,
      });
    }
  }
  if (bytes === expected.sizeBytes && hash.digest("hex") === expected.sha256) return;
  throw new RackseedError(`cannot use the installer's ${name}`, {
    reason: `it is not what the server announced (${bytes} of ${expected.sizeBytes} bytes).`,
    remedy: "verify the image on the server: rackseed image verify NAME",
    status: 500,
  });
}
