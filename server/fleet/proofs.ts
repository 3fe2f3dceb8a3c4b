/** Whether a version may be deployed that no rehearsal has proved: the image's settings decide. */
import type { Verdict } from "#contract/api/rehearsals.ts";
import type { ImageSettings } from "#contract/api/restore.ts";
import { RackseedError } from "#contract/errors.ts";

interface Version {
  readonly image: string;
  readonly version: number;
  /** SHA-256 of its manifest. */
  readonly id: string;
}

interface ProofSources {
  /** The version's newest verdict. */
  readonly verdict: (version: Version) => Verdict | undefined;
  /** Whether any version of the image has had a verdict. */
  readonly isRehearsed: (image: string) => boolean;
  readonly settings: (image: string) => ImageSettings;
}

export class Proofs {
  readonly #sources: ProofSources;

  constructor(sources: ProofSources) {
    this.#sources = sources;
  }

  /** The reason to be careful with it; undefined if there is none. Throws RackseedError if its image requires proof. */
  warningOf(version: Version): string | undefined {
    const { verdict, isRehearsed, settings } = this.#sources;
    const { image } = version, { rehearsal: rule } = settings(image);
    if (rule === "off") return undefined;
    const found = verdict(version);
    if (found?.state === "proved") return undefined;
    const ref = `${image}@${version.version}`;
    const what = found
      ? `its rehearsal of ${found.ended.slice(0, 10)} failed`
      : "no rehearsal has proved that it boots";
    if (rule === "require") {
      throw new RackseedError(`cannot deploy ${ref}`, {
        reason: `${what}, and its image requires that.`,
        remedy: found
          ? `see rackseed image rehearsal ${found.id}, and deploy a version that is proved.`
          : `rehearse it: rackseed image rehearse ${ref} --wait; or let it pass: ` +
            `rackseed image set ${image} --rehearsal warn`,
        status: 409,
      });
    }
    // a site that rehearses nothing is not to be bothered at every deployment
    if (rule === undefined && !found && !isRehearsed(image)) return undefined;
    return `${ref}: ${what}; rackseed image rehearse ${ref}`;
  }
}
