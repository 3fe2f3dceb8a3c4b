/** The encrypted volumes of nodes: how an order opens them, and who may see the recovery keys. */
import { getLogger } from "@logtape/logtape";
import type { NodeView, Order, RecoveryKeyUse, RecoveryKeyView, Unlock, VersionView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { DiskSecrets } from "../store/disk_secrets.ts";
import type { RecoveryKeyUses } from "../store/recovery_key_uses.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { targetOf } from "#plan/plan_disks.ts";
import { shortList } from "../store/nodes.ts";
import { present } from "./present.ts";

const log = getLogger(["rackseed", "nodes"]);

interface Terms {
  readonly version: VersionView;
  /** The operator's choice for this deployment. */
  readonly unlock: Unlock | undefined;
  readonly passphrase: string | undefined;
  /** The volumes are kept if they can be; a dry run makes none in any case. */
  readonly restore: { readonly dryRun: boolean } | undefined;
}

export class Encryption {
  readonly #secrets: DiskSecrets;
  readonly #uses: RecoveryKeyUses;

  constructor({ secrets, uses }: { secrets: DiskSecrets; uses: RecoveryKeyUses }) {
    this.#secrets = secrets;
    this.#uses = uses;
  }

  /** Throws RackseedError if the nodes could not be encrypted, whatever the passphrase. */
  check(nodes: readonly NodeRecord[], terms: Omit<Terms, "passphrase">): void {
    this.#opened(nodes, { ...terms, passphrase: undefined, isPreview: true });
  }

  /** A restored node is opened as before, unless something else is said. */
  unlockOf(
    { id, settings }: NodeRecord,
    { unlock, restore }: Pick<Terms, "unlock" | "restore">,
  ): Unlock | undefined {
    return unlock ?? settings.unlock ?? (restore && this.#secrets.inUse(id)?.unlock);
  }

  /** Throws RackseedError if the nodes could not be encrypted; else returns what stores their keys with the order. */
  order(nodes: readonly NodeRecord[], terms: Terms): (deployment: string) => void {
    const opened = this.#opened(nodes, { ...terms, isPreview: false });
    const { version: { image, version }, passphrase, restore } = terms;
    return (deployment) => {
      // orders that these replace
      for (const { id } of nodes) this.#secrets.cancel(id);
      if (restore?.dryRun) return;
      for (const { node, unlock } of opened) {
        if (unlock === undefined) continue;
        this.#secrets.order({
          node: node.id,
          deployment,
          image: `${image}@${version}`,
          unlock,
          passphrase: unlock === "passphrase" ? passphrase : undefined,
          keepsKey: restore !== undefined,
        });
      }
    };
  }

  #opened(
    nodes: readonly NodeRecord[],
    { version: { image, version, layout }, unlock, passphrase, restore, isPreview }: Terms & {
      isPreview: boolean;
    },
  ): Opened[] {
    const isEncrypted = (layout?.encrypted?.length ?? 0) > 0;
    const title = `cannot deploy ${image}@${version}`;
    if (!isEncrypted && (unlock !== undefined || passphrase !== undefined)) {
      throw new RackseedError(title, {
        reason: "it has no encrypted volume, so there is nothing to unlock.",
        remedy: "leave --unlock and the passphrase out, or deploy an image whose template is encrypted.",
        status: 409,
      });
    }
    const opened = !layout || !isEncrypted ? [] : nodes.filter(isNoDirectory).map((node): Opened => ({
      node,
      names: volumesFor(node, { image: `${image}@${version}`, layout }),
      unlock: this.unlockOf(node, { unlock, restore }),
    })).filter(({ names }) => names.length > 0);
    refuseUndecided(opened, { title });
    refusePassphrase(opened, { title, passphrase, isNeeded: restore === undefined && !isPreview });
    refuseWithoutTpm(opened, { title });
    return opened;
  }

  /** For a machine that enrols. */
  fetch(part: { node: string; deployment: string }): Pick<Order, "encryption" | "openWith"> {
    // before the new key counts as one that a disk may have
    const openWith = this.openWith(part.node);
    return { ...openWith, ...present("encryption", this.#secrets.fetch(part)) };
  }

  openWith(node: string): Pick<Order, "openWith"> {
    const keys = this.#secrets.openWith(node);
    return keys.length === 0 ? {} : { openWith: keys };
  }

  /** The node has made its volumes. */
  made(part: { node: string; deployment: string }): void {
    this.#secrets.made(part);
  }

  /** The node was installed by this order. */
  installed(part: { node: string; deployment: string }): void {
    this.#secrets.installed(part);
  }

  /** The node's order is over. */
  end(node: string): void {
    this.#secrets.cancel(node);
  }

  view(node: string): NodeView["encryption"] {
    const encryption = this.#secrets.inUse(node);
    if (encryption?.made === undefined) return undefined;
    const { unlock, made } = encryption;
    return { unlock, made, ...present("keyShown", this.#uses.firstOf(encryption)) };
  }

  /** Shows the recovery key and records it. Throws RackseedError: 404 if there is none, 409 if it was shown before. */
  show(node: NodeRecord, { who, again }: { who: string; again: string | undefined }): RecoveryKeyView {
    const keys = this.#secrets.keys(node.id);
    const [newest] = keys;
    if (!newest) {
      throw new RackseedError(`cannot show a recovery key of ${node.name}`, {
        reason: "no encrypted volume of it was made from here.",
        remedy: "deploy an image whose template is encrypted: rackseed node deploy --unlock …",
        status: 404,
      });
    }
    const shown = this.#uses.firstOf(newest);
    if (shown !== undefined && again === undefined) {
      throw new RackseedError(`cannot show the recovery key of ${node.name} again`, {
        reason: `it was shown on ${shown.slice(0, 16).replace("T", " at ")} UTC; \`--log\` says to whom.`,
        remedy: `say why it is needed: rackseed node recovery-key ${node.name} --again "REASON"`,
        status: 409,
      });
    }
    for (const { image, keyFrom } of keys) {
      this.#uses.add({ who, node: node.id, name: node.name, keyFrom, image, reason: again });
    }
    log.info("recovery-key-shown", { node: node.name, who, again: again !== undefined });
    return {
      node: node.name,
      keys: keys.map(({ image, created, made, recoveryKey }) => ({
        image,
        created,
        ...present("made", made),
        recoveryKey,
      })),
    };
  }

  uses(node: NodeRecord): RecoveryKeyUse[] {
    return this.#uses.list(node.id);
  }

  /** Throws RackseedError (409) if a recovery key would be lost with the node's record, unless that is wanted. */
  forget(node: NodeRecord, { force }: { force: boolean }): void {
    if (!force && this.#secrets.has(node.id)) {
      throw new RackseedError(`cannot delete the node ${node.name}`, {
        reason: "its disk is encrypted, and the server's copy of its recovery key would be lost.",
        remedy: `print the key first (rackseed node recovery-key ${node.name}), then delete with --force.`,
        status: 409,
      });
    }
    this.#secrets.forget(node.id);
  }
}

interface Opened {
  readonly node: NodeRecord;
  /** Names of the encrypted volumes that it gets: those of data disks only if it is to write them. */
  readonly names: readonly string[];
  readonly unlock: Unlock | undefined;
}

/** Throws RackseedError if the node's choices of disks do not fit the layout. */
function volumesFor(
  { name, settings }: NodeRecord,
  { image, layout }: { image: string; layout: DiskLayout },
): string[] {
  const target = targetOf({ image, layout }, { node: name, choices: settings });
  return (target.layout.encrypted ?? []).map((volume) => volume.name);
}

/** A directory has no volumes. */
function isNoDirectory({ inventory }: NodeRecord): boolean {
  return inventory?.kind !== "directory";
}

/** A node without a MAC may become a directory, or a machine that was given its token by hand. */
function isMachine({ settings, inventory }: NodeRecord): boolean {
  return settings.mac !== undefined || inventory?.kind === "machine";
}

function refuseUndecided(
  opened: readonly Opened[],
  { title }: { title: string },
): void {
  const undecided = opened.filter(({ node, unlock }) => unlock === undefined && isMachine(node));
  const nodes = undecided.map(({ node }) => node.name), names = undecided[0]?.names ?? [];
  if (nodes.length === 0) return;
  throw new RackseedError(`${title} to ${shortList(nodes)}`, {
    reason:
      `the image is encrypted (${
        names.join(", ")
      }), each clone gets a key of its own, and it is not said how ` +
      "the clones are opened.",
    remedy: "give --unlock tpm2, key-file or passphrase; or for good: rackseed node set " +
      `${nodes.slice(0, 3).join(" ")} --unlock HOW`,
    status: 409,
  });
}

function refusePassphrase(
  opened: readonly Opened[],
  { title, passphrase, isNeeded }: { title: string; passphrase: string | undefined; isNeeded: boolean },
): void {
  const nodes = opened.filter(({ unlock }) => unlock === "passphrase").map(({ node }) => node.name);
  if (nodes.length > 0 && passphrase === undefined && isNeeded) {
    throw new RackseedError(`${title} to ${shortList(nodes)}`, {
      reason:
        "their volumes are opened by a passphrase, and none was given. The server keeps no passphrase: it " +
        "forgets it as soon as a node has used it, or an order is over.",
      remedy: "deploy from a terminal, which asks for it, or give --passphrase-file FILE.",
      status: 409,
    });
  }
  if (nodes.length === 0 && passphrase !== undefined && opened.length > 0) {
    throw new RackseedError(title, {
      reason: "a passphrase was given, and none of these nodes is opened by one.",
      remedy: "give --unlock passphrase, or leave the passphrase out.",
      status: 409,
    });
  }
}

function refuseWithoutTpm(opened: readonly Opened[], { title }: { title: string }): void {
  const nodes = opened.filter(({ node, unlock }) => unlock === "tpm2" && node.inventory?.tpm2 === false)
    .map(({ node }) => node.name);
  if (nodes.length === 0) return;
  throw new RackseedError(`${title} to ${shortList(nodes)}`, {
    reason: "these nodes reported no TPM 2.0 when they last booted from the network.",
    remedy:
      "switch the TPM on in the firmware's setup and boot them from the network once, or choose another " +
      "--unlock.",
    status: 409,
  });
}
