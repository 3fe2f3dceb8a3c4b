import { installDebianPackages } from "../../setup.ts";
import { aria2 } from "./aria2.ts";
import type { Engine } from "./engine.ts";
import { http } from "./http.ts";
import { libtorrent } from "./libtorrent.ts";
import { ours } from "./ours.ts";
import { rsync } from "./rsync.ts";
import { transmission } from "./transmission.ts";
import { udpcast } from "./udpcast.ts";

const ENGINES: readonly Engine[] = [ours, aria2, transmission, libtorrent, rsync, http, udpcast];

export const ENGINE_NAMES: readonly string[] = ENGINES.map(({ name }) => name);

/** The engines of these names, installed if missing; `absent` lists the unavailable ones with the reason. */
export async function provideEngines(
  names: readonly string[],
): Promise<{ engines: Engine[]; absent: Record<string, string> }> {
  const chosen = names.map((name) => {
    const engine = ENGINES.find((candidate) => candidate.name === name);
    if (engine) return engine;
    throw new Error(`there is no engine ${name}. Remedy: choose from ${ENGINE_NAMES.join(", ")}.`);
  });
  const packages = Object.assign({}, ...chosen.map((engine) => engine.packages));
  const missing = new Set(await installDebianPackages(packages));
  const absent: Record<string, string> = {};
  const engines = chosen.filter((engine) => {
    const lacks = Object.keys(engine.packages).filter((name) => missing.has(name));
    if (lacks.length > 0) absent[engine.name] = `no Debian package ${lacks.join(", ")} here`;
    return lacks.length === 0;
  });
  return { engines, absent };
}
