/** Full and read-only file systems. Both need root; disposing of them unmounts them. */
import { copyFolder } from "./base_store.ts";

/** A tmpfs on `folder` with a copy of `source` as `data`, filled up except for `leftBytes`. */
export async function mountFull(
  folder: string,
  { source, data, leftBytes }: { source: string; data: string; leftBytes: number },
): Promise<AsyncDisposable> {
  await run("mount", "-t", "tmpfs", "-o", "size=16m", "rackseed-fault", folder);
  const unmount = { [Symbol.asyncDispose]: () => run("umount", folder) };
  await copyFolder(source, data);
  Deno.writeFileSync(`${folder}/spare`, new Uint8Array(leftBytes));
  try {
    Deno.writeFileSync(`${folder}/filler`, new Uint8Array(32 << 20));
  } catch {
    // full
  }
  Deno.removeSync(`${folder}/spare`);
  return unmount;
}

export async function mountReadOnly(data: string): Promise<AsyncDisposable> {
  await run("mount", "--bind", data, data);
  const unmount = { [Symbol.asyncDispose]: () => run("umount", data) };
  await run("mount", "-o", "remount,bind,ro", data);
  return unmount;
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
