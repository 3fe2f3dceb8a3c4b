/** Signs the boot programs of clones whose firmware knows the site's key only. Nothing but what the ordered version has. */
import type { SignatureAnswer, SignatureRequest } from "#contract/api/secure_boot.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootProgram, TrustAnchor } from "#contract/format/boot_program.ts";
import type { Assignment } from "../store/assignment.ts";
import type { AuditLog } from "../store/audit_log.ts";
import type { Nodes } from "../store/nodes.ts";

/** The site's key, for this purpose. */
export interface BootSigner {
  readonly certificate: TrustAnchor;
  /** Clones ask their shim to trust it. */
  readonly requestsMok: boolean;
  /** A PKCS #7 SignedData of an image with this Authenticode digest. */
  sign(digest: Uint8Array): Promise<Uint8Array>;
}

interface SignatureSources {
  readonly nodes: Pick<Nodes, "get">;
  /** The boot programs of a version: "web@3". */
  readonly programs: (ref: string) => readonly BootProgram[];
  readonly audit: Pick<AuditLog, "begin">;
  readonly signer: BootSigner | undefined;
}

const TITLE = "cannot sign the clone's boot programs";

export class BootSignatures {
  readonly #sources: SignatureSources;

  constructor(sources: SignatureSources) {
    this.#sources = sources;
  }

  /** Throws RackseedError (403, 409). Each request is a line of the audit log. */
  async sign(
    { node, image, version }: Pick<Assignment, "node" | "image" | "version">,
    { digests, address }: SignatureRequest & { readonly address: string },
  ): Promise<SignatureAnswer> {
    const { nodes, programs, audit, signer } = this.#sources, ref = `${image}@${version}`;
    if (signer === undefined) {
      throw new RackseedError(TITLE, {
        reason: "this server does not sign them.",
        remedy: "start it with --sign-disks.",
        status: 409,
      });
    }
    const known = programs(ref);
    const wanted = digests.map((digest) => known.find((one) => one.digest === digest && !one.needsShim));
    const { name } = nodes.get(node);
    const subject = wanted.map((one) => one?.path ?? "another program").join(", ").slice(0, 200);
    const who = `agent of ${name}`;
    const act = audit.begin({ who, address, action: "node.sign", nodes: [name], images: [ref], subject });
    if (wanted.includes(undefined)) {
      act.end({ result: "refused", status: 403 });
      throw new RackseedError(TITLE, {
        reason: `${ref} has no program with one of these hashes.`,
        remedy: "the clone's programs must be those of its template: update its boot loader there (bootctl " +
          "update, kernel-install), and capture it again.",
        status: 403,
      });
    }
    try {
      const signatures = await Promise.all(digests.map((digest) => signer.sign(Uint8Array.fromHex(digest))));
      act.end({ result: "done", status: 200 });
      return { signatures: signatures.map((one) => one.toBase64()) };
    } catch (error) {
      act.end({ result: "failed", status: 500 });
      throw error;
    }
  }
}
