/** What the database of many nodes costs: its size, and the commands that read all of it. */
import { AuditLog } from "../../server/store/audit_log.ts";
import { openDatabase, transaction } from "../../server/store/database.ts";
import { ensureProduct } from "../build.ts";
import type { PinnedProduct } from "./pinned_product.ts";

/** Adds lines of orders for single nodes to the log of a stopped server. */
export function addAuditLines(data: string, count: number): void {
  using db = openDatabase(`${data}/rackseed.db`);
  const audit = new AuditLog(db, { now: Date.now });
  transaction(db, () => {
    for (let i = 0; i < count / 2; i++) {
      const act = {
        who: "bench",
        address: "127.0.0.1",
        action: "node.cancel",
        nodes: [`n${i % 1000}`],
        images: [],
      };
      // an action and its outcome are two lines
      audit.begin(act).end({ result: "done", status: 200 });
    }
  });
}

/** With its write-ahead log. */
export function databaseBytes(data: string): number {
  return [...Deno.readDirSync(data)].filter(({ name }) => name.startsWith("rackseed.db"))
    .reduce((sum, { name }) => sum + Deno.statSync(`${data}/${name}`).size, 0);
}

/** `rackseed doctor`; a fault of this machine is no fault of the bench. */
export async function examine({ data }: PinnedProduct): Promise<void> {
  await run(["doctor", "--json", "--data", data, "--listen", "127.0.0.1:0"], [0, 1]);
}

export async function backUp({ data, server, token }: PinnedProduct): Promise<void> {
  await run(["server", "backup", `${data}/../backup.tar`, "--server", server, "--token", token], [0]);
}

async function run(args: readonly string[], codes: readonly number[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(await ensureProduct(), { args: [...args], stdout: "null" })
    .output();
  if (codes.includes(code)) return;
  throw new Error(
    `rackseed ${args.slice(0, 2).join(" ")} exited ${code}: ${new TextDecoder().decode(stderr)}`,
  );
}
