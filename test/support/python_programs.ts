/**
 * Python programs in virtual environments below .cache/. Versions are pinned; without Python or a package index, the
 * tests are skipped with the reason.
 */
const cache = new URL("../../.cache", import.meta.url).pathname;

/**
 * The folder with the packages' programs; undefined if they cannot be installed here.
 *
 * @param name of the environment: a new one for another list of packages
 */
export async function pythonPrograms(name: string, packages: readonly string[]): Promise<string | undefined> {
  const folder = `${cache}/${name}`, bin = `${folder}/bin`;
  if (await exists(`${folder}/complete`)) return bin;
  const scratch = `${folder}.${crypto.randomUUID().slice(0, 8)}`;
  for (
    const [program, ...args] of [
      ["python3", "-m", "venv", scratch],
      [`${scratch}/bin/pip`, "install", "--quiet", "--disable-pip-version-check", ...packages],
    ] as [string, ...string[]][]
  ) {
    const error = await failureOf(program, args);
    if (error === undefined) continue;
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
    console.log(`skipped: cannot install ${packages.join(" ")}: ${error}`);
    return undefined;
  }
  await Deno.writeTextFile(`${scratch}/complete`, "");
  // another test may have been faster; its scripts name the folder in which they were installed
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.symlink(scratch, folder).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  return bin;
}

async function failureOf(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program, { args, stdout: "null", stderr: "piped" })
      .output();
    return success ? undefined : new TextDecoder().decode(stderr).trim().slice(-400);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
