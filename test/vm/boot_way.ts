/**
 * Ways to boot, each a test and a row of the table in the documentation. `deno task netboot -- --table FILE` writes the
 * table; rows of FILE whose ways did not run stay as they are, with the time of their own run.
 */
import { parseArgs } from "node:util";
import { type TableRow, updateTable } from "../support/boot_table.ts";
import { needs } from "../support/needs.ts";

export interface Way {
  /** "UEFI (OVMF)" */
  readonly firmware: string;
  /** "PXE" */
  readonly way: string;
  /** Whose DHCP server gives the addresses; absent: the built-in one. */
  readonly addresses?: string;
  /** What is reached, or must not be: "first report". */
  readonly ends: string;
}

interface WayTest extends Way {
  readonly needs: Parameters<typeof needs>[0];
  /** Boots the machine. Returns the milliseconds since power-on when it got to where the way ends. */
  readonly fn: (folder: string) => Promise<number>;
}

const { values: { table } } = parseArgs({ options: { table: { type: "string" } }, strict: false });
const runStarted = `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** Registers the way's test, with a folder of its own. */
export function testWay({ needs: needed, fn, ...way }: WayTest): void {
  const { firmware, way: by, addresses = "the built-in DHCP server", ends } = way;
  Deno.test({
    name: `${firmware}, ${by}, addresses by ${addresses}: power-on to ${ends}`,
    ...needs(needed),
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "way-" });
      const note = (result: string) =>
        record({ firmware, way: by, addresses, ends, result, run: runStarted });
      try {
        await note(`${(await fn(folder) / 1000).toFixed(0)} s`);
      } catch (error) {
        await note("**failed**");
        throw error;
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function record(row: TableRow): Promise<void> {
  console.log(`${row.firmware}, ${row.way}, ${row.addresses}: ${row.ends}, ${row.result}`);
  if (typeof table !== "string") return;
  const before = await Deno.readTextFile(table).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  await Deno.writeTextFile(table, updateTable(before, row));
}
