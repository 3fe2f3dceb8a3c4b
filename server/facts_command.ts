/** `rackseed server backup` and `rackseed server restore`. */
import { existsSync } from "node:fs";
import { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { lockDataDirectory } from "./store/data_lock.ts";
import { DataDirectory } from "./store/data_directory.ts";
import { openDatabase } from "./store/database.ts";
import { badArchive } from "./store/facts_archive.ts";
import { backUpFacts } from "./store/facts_backup.ts";
import { restoreFacts } from "./store/facts_restore.ts";
import { ImageStore } from "./store/images.ts";
import { openSigningKey } from "./store/keys.ts";
import type { BackUpServer, RestoreServer } from "./cli/server_options.ts";
import { formatBytes, formatTime } from "./words/figures.ts";
import { print, printJson, remark } from "./cli/terminal.ts";

/** Asks the named server, or the one that runs on the directory; without either, reads the directory itself. */
export async function backUpServer(file: string, options: BackUpServer): Promise<void> {
  const { data, server, token, signal } = options;
  if (server !== undefined) return await throughServer(file, { server, token: token ?? "", signal });
  if (!existsSync(data)) throw noDirectory(data);
  let lock: Disposable;
  try {
    lock = lockDataDirectory(data);
  } catch (error) {
    const [url, ownToken] = ["url", "token"].map((name) => readIfThere(`${data}/${name}`));
    if (url === undefined || ownToken === undefined) throw error;
    return await throughServer(file, { server: url, token: token ?? ownToken, signal });
  }
  using _lock = lock;
  await fromDirectory(file, data, signal);
}

async function throughServer(
  file: string,
  { server, token, signal }: { server: string; token: string; signal: AbortSignal },
): Promise<void> {
  using client = await ApiClient.connect({ server, token, signal });
  const { body } = await client.send("POST", "/server/backup", { signal });
  if (!body) throw new Error("the server sent no content");
  await write(file, body, signal);
}

async function fromDirectory(file: string, data: string, signal: AbortSignal): Promise<void> {
  const directory = new DataDirectory(data);
  const db = openDatabase(directory.database);
  try {
    using store = new ImageStore({ db, directory, signingKey: await openSigningKey(directory) });
    const source = { directory, db, versions: store.allPublished(), created: new Date() };
    await write(file, backUpFacts(source), signal);
  } finally {
    db.close();
  }
}

async function write(file: string, body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
  const scratch = `${file}.part`;
  try {
    const out = await Deno.open(scratch, { write: true, create: true, truncate: true, mode: 0o600 });
    await body.pipeTo(out.writable, { signal });
    using written = await Deno.open(scratch);
    await written.sync();
    await Deno.rename(scratch, file);
  } catch (error) {
    await Deno.remove(scratch).catch(() => {});
    signal.throwIfAborted();
    throw new RackseedError(`cannot write the backup ${file}`, {
      reason: `${messageOf(error)}.`,
      remedy: "check the folder, its free space, and the server's log.",
      cause: error,
    });
  }
  remark(
    `wrote ${file}, ${
      formatBytes(Deno.statSync(file).size)
    }: it holds every secret of the site, so keep it secret too`,
  );
}

export function restoreServer(file: string, { data, force, json }: RestoreServer): void {
  if (!existsSync(file)) throw badArchive(file, "there is no such file");
  using _lock = lockDataDirectory(data);
  const restored = restoreFacts(file, { data, force, now: new Date() });
  if (json) return printJson(restored);
  print(`restored ${restored.files} files of ${formatTime(restored.created)} into ${data}`);
  if (restored.setAside !== undefined) print(`the previous files are in ${restored.setAside}`);
  for (const path of restored.missing) print(`missing: ${path}`);
  if (restored.missing.length > 0) {
    print(
      `Copy them into ${data} from another backup, or start the server and delete the versions that lack them.`,
    );
  }
}

function noDirectory(data: string): RackseedError {
  return new RackseedError(`cannot back up ${data}`, {
    reason: "there is no such directory.",
    remedy:
      "give the server's data directory with --data DIR, or a running server with --server and --token.",
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return undefined;
  }
}
