/**
 * Before the clone starts by its own disk: would this machine's Secure Boot start it? What the firmware would refuse, the
 * server signs, if the site wants that.
 */
import { RackseedError } from "#contract/errors.ts";
import type { FirmwareTrust } from "#contract/format/boot_program.ts";
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { judgeStart } from "#plan/secure_boot_obstacle.ts";
import { anchorOf } from "../../../boot/uki/image_signatures.ts";
import { entriesToWrite } from "../../../boot/uki/signature_list.ts";
import { withSignature } from "../../../boot/uki/uki.ts";
import { readBootPrograms } from "../../boot_config/boot_programs.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { type BootLoaderOptions, TITLE } from "./in_clone.ts";

/** More than any boot program has; a unified kernel image may have this much. */
export const LOADER_BYTES = 1 << 30;

interface Signed {
  /** Paths in the clone. */
  readonly paths: readonly string[];
  readonly notes: readonly string[];
}

/** `program`: what the firmware's entry starts, relative to the ESP. Throws RackseedError if it would be refused. */
export async function proveSecureStart(
  { clone, facts, secureStart, secureBoot }: Pick<
    BootLoaderOptions,
    "clone" | "facts" | "secureStart" | "secureBoot"
  >,
  { esp, program }: { readonly esp: string; readonly program: string },
): Promise<Signed> {
  if (secureStart === undefined) return { paths: [], notes: [] };
  const trust = trustAfter(secureStart.trust, secureBoot);
  const start = { ...secureStart, trust };
  const read = async () => judgeStart(await readBootPrograms(clone, { ...facts, esp, program }), start);
  const judged = await read();
  // a machine in set-up mode stays in it, and starts everything
  if (judged.obstacle !== undefined && secureStart.trust?.state === "set-up") return { paths: [], notes: [] };
  if (judged.obstacle !== undefined) throw new RackseedError(TITLE, judged.obstacle);
  const { sign: programs } = judged, paths = programs.map(({ path }) => path);
  if (programs.length === 0) return { paths, notes: [] };
  const signatures = await secureStart.sign(programs.map(({ digest }) => digest));
  for (const [i, { path }] of programs.entries()) {
    await addSignature(clone, { path, signature: signatures[i] });
  }
  const after = await read(), isAsked = start.requestsMok === true;
  const unsigned = after.obstacle ? [] : after.sign.filter(({ signatures }) =>
    !isAsked ||
    !signatures.some(({ certificates }) => certificates.includes(start.signs?.certificate ?? ""))
  );
  if (after.obstacle !== undefined || unsigned.length > 0) {
    const reason = after.obstacle?.reason ?? "the server's signature is not that of the site's certificate.";
    const remedy = "compare the certificate in the firmware with `rackseed secure-boot`.";
    throw new RackseedError(TITLE, { reason, remedy });
  }
  return { paths, notes: [`signed with the site's key: ${paths.join(", ")}`] };
}

/** What it trusts when it starts its own disk: the keys that it is about to get, or those that it has. */
function trustAfter(
  trust: FirmwareTrust | undefined,
  order: SecureBootOrder | undefined,
): FirmwareTrust | undefined {
  const db = trust?.state === "set-up" ? order?.variables.find(({ name }) => name === "db") : undefined;
  if (db === undefined) return trust;
  const { certificates } = entriesToWrite(Uint8Array.fromBase64(db.data));
  return { state: "on", db: certificates.map(anchorOf) };
}

async function addSignature(
  clone: CloneTree,
  { path, signature }: { readonly path: string; readonly signature: Uint8Array | undefined },
): Promise<void> {
  const content = await clone.bytes(path, { maxBytes: LOADER_BYTES });
  if (content === undefined || signature === undefined) {
    throw new RangeError(`there is no ${signature ? "program" : "signature"} for ${path}`);
  }
  const signed = withSignature(content, signature, { name: path });
  await clone.replace(path, (at) => Deno.writeFile(at, signed));
}
