/** The source of `rackseed image import`: a directory or a tar. */
import { RackseedError } from "#contract/errors.ts";
import type { CaptureSource } from "./capture_source.ts";
import { compileExcludes } from "../tree/excludes.ts";
import { TarSource } from "./tar_source.ts";
import { TreeSource } from "./tree_source.ts";

/** `excludes` apply to a directory only; a tar is imported whole. Throws RackseedError if `path` is neither. */
export async function openImport(
  path: string,
  { excludes }: { excludes: readonly string[] },
): Promise<CaptureSource> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory) {
    return new TreeSource(path, { excludes: compileExcludes(excludes), mountPoints: [] });
  }
  if (info?.isFile) return new TarSource(path);
  throw new RackseedError(`cannot import ${path}`, {
    reason: info ? "it is neither a directory nor a file." : "there is no such file or directory.",
    remedy: "name a directory, or a tar (plain, .gz or .zst).",
    status: 400,
  });
}
