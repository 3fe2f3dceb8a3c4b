/** The page: nodes, templates, captures, images and hooks, and the dialogs that act on them. */
import type { Child } from "hono/jsx";
import type { Principal } from "../../access/principal.ts";
import type { SwarmSettings } from "#contract/api/distribution.ts";
import { formatRate } from "#contract/rate_text.ts";
import { formatSeedPolicy } from "../../words/seed_text.ts";
import type { HookSummary } from "#contract/api/hooks.ts";
import type { CaptureView, ImageView, MachineView, NodeView, Notice, TemplateView } from "#contract/api.ts";
import { mayOperate, mayOrder } from "./abilities.ts";
import { AdoptDialog, MachineRow } from "./machine_rows.tsx";
import { Header, Shell } from "./shell.tsx";
import { CaptureRow, HookRow, ImageRow, NodeRow, TemplateRow } from "./rows.tsx";

interface PageContent {
  readonly principal: Principal;
  readonly nodes: readonly NodeView[];
  readonly machines: readonly MachineView[];
  readonly templates: readonly TemplateView[];
  /** Newest first. */
  readonly captures: readonly CaptureView[];
  readonly images: readonly ImageView[];
  readonly hooks: readonly HookSummary[];
  readonly swarm: SwarmSettings;
  readonly notices: readonly Notice[];
}

/** A problem of the server, with its remedy. */
export function NoticeItem({ notice: { subject, problem, remedy } }: { notice: Notice }) {
  return (
    <li>
      <strong>{subject}:</strong> {problem}. Remedy: {remedy}
    </li>
  );
}

/** Summarizes the site-wide swarm settings in one line. */
export function describeSwarm({ uploadLimit, nodeUploadLimit, rackPrefix, seed }: SwarmSettings): string {
  const rate = (limit: number | undefined) =>
    limit === undefined ? "unlimited" : `up to ${formatRate(limit)}`;
  return [
    `Server uploads: ${rate(uploadLimit)}`,
    `node uploads: ${rate(nodeUploadLimit)}`,
    `finished nodes seed: ${formatSeedPolicy(seed)}`,
    ...rackPrefix === undefined ? [] : [`racks: one per /${rackPrefix} network`],
  ].join("; ");
}

export function Page(
  { principal, nodes, machines, templates, captures, images, hooks, swarm, notices }: PageContent,
) {
  const canOrder = principal.role !== "viewer", canCapture = mayOperate(principal);
  return (
    <Shell title="Rackseed">
      <Header principal={principal}>
        <p id="connection" role="status">connecting…</p>
      </Header>
      <main>
        <p id="message" role="status"></p>
        <p id="problem" role="alert"></p>
        <ul id="notices" role="status" aria-label="Server problems">
          {notices.map((notice) => <NoticeItem notice={notice} />)}
        </ul>

        <section aria-labelledby="nodes-title">
          <div class="bar">
            <h2 id="nodes-title">Nodes</h2>
            {canOrder && (
              <>
                <button type="button" id="check" disabled>Check</button>
                <button type="button" id="backup" disabled>Back up…</button>
                <button type="button" id="restore" disabled>Restore…</button>
                <button type="button" id="deploy" class="primary" disabled>Deploy…</button>
              </>
            )}
          </div>
          <Table
            id="nodes"
            titles={["Select", "Node", "State", "Step", "Image", "Address", "Action"]}
            quiet={[0, 6]}
            empty="No nodes yet. Boot a machine from the network and adopt it, or add one: rackseed node set NAME --mac MAC"
          >
            {nodes.map((node) => <NodeRow node={node} canOrder={mayOrder(principal, node)} />)}
          </Table>
          <small id="swarm">{describeSwarm(swarm)}</small>
        </section>

        <section aria-labelledby="machines-title">
          <h2 id="machines-title">Machines that appeared</h2>
          <Table
            id="machines"
            titles={["Machine", "Firmware", "Asked by", "First seen", "Last seen", "Address", "Action"]}
            quiet={[6]}
            empty="None. A machine that asks for an address or boots from the network, and is no node, is listed here."
          >
            {machines.map((machine) => <MachineRow machine={machine} canAdopt={canCapture} />)}
          </Table>
        </section>

        <section aria-labelledby="templates-title">
          <h2 id="templates-title">Templates</h2>
          <Table
            id="templates"
            titles={["Template", "State", "System", "Obstacles", "Action"]}
            quiet={[4]}
            empty="No templates yet. On the machine to capture, run: rackseed agent template --server URL --token TOKEN"
          >
            {templates.map((template) => <TemplateRow template={template} canCapture={canCapture} />)}
          </Table>
        </section>

        <section aria-labelledby="captures-title">
          <h2 id="captures-title">Captures</h2>
          <Table
            id="captures"
            titles={["Image", "From", "State", "Progress", "Started"]}
            empty="No captures yet."
          >
            {captures.map((capture) => <CaptureRow capture={capture} />)}
          </Table>
        </section>

        <section aria-labelledby="images-title">
          <h2 id="images-title">Images</h2>
          <Table
            id="images"
            titles={["Image", "Captured", "Files", "Size", "Stored", "Bootable"]}
            empty="No images yet. Capture a template to create one."
          >
            {images.map((image) => <ImageRow image={image} />)}
          </Table>
        </section>

        <section aria-labelledby="hooks-title">
          <h2 id="hooks-title">Hooks</h2>
          <Table
            id="hooks"
            titles={["Hook", "When", "Scope", "On failure", "Time limit"]}
            empty="No hooks yet. To run a script before or after captures and installs, see: rackseed hook set --help"
          >
            {hooks.map((hook) => <HookRow hook={hook} />)}
          </Table>
        </section>
      </main>
      <NodeDialog />
      {canOrder && (
        <>
          <DeployDialog />
          <RestoreDialog />
          <BackupDialog />
        </>
      )}
      {canCapture && (
        <>
          <CaptureDialog />
          <AdoptDialog />
        </>
      )}
    </Shell>
  );
}

function Table({ id, titles, quiet = [], empty, children }: {
  id: string;
  titles: readonly string[];
  /** Columns whose title only screen readers see. */
  quiet?: readonly number[];
  empty: string;
  children: Child;
}) {
  return (
    <div class="table">
      <table aria-labelledby={`${id}-title`}>
        <thead>
          <tr>
            {titles.map((title, i) => (
              <th scope="col">{quiet.includes(i) ? <span class="hidden">{title}</span> : title}</th>
            ))}
          </tr>
        </thead>
        <tbody id={id}>{children}</tbody>
      </table>
      <p class="empty">{empty}</p>
    </div>
  );
}

function NodeDialog() {
  return (
    <dialog id="node-dialog" aria-labelledby="node-title">
      <h2 id="node-title"></h2>
      <div id="node-details"></div>
      <div class="actions">
        <button type="button" value="close">Close</button>
      </div>
    </dialog>
  );
}

function DeployDialog() {
  return (
    <dialog id="deploy-dialog" aria-labelledby="deploy-title">
      <form>
        <h2 id="deploy-title">Deploy an image</h2>
        <label>
          Image
          <select name="image" required></select>
        </label>
        <p class="warning">
          <strong>The disks of these nodes will be overwritten</strong>{" "}
          the next time they boot from the network:
        </p>
        <div id="deploy-plans" aria-live="polite"></div>
        <fieldset id="deploy-encryption" hidden>
          <legend>The image is encrypted: each clone gets a key of its own</legend>
          <label>
            The clones are opened by
            <select name="unlock">
              <option value="">what is set for each node</option>
              <option value="tpm2">their TPM 2.0</option>
              <option value="key-file">a key file in the clone and its initramfs</option>
              <option value="passphrase">a passphrase, typed at each start</option>
            </select>
          </label>
          <div id="deploy-passphrase" hidden>
            <label>
              Passphrase
              <input
                name="passphrase"
                type="password"
                minlength={8}
                maxlength={512}
                autocomplete="new-password"
              />
            </label>
            <label>
              Once more
              <input name="repeated" type="password" maxlength={512} autocomplete="new-password" />
            </label>
          </div>
        </fieldset>
        <NowChoice />
        <label id="deploy-anyway" hidden>
          <input name="anyway" type="checkbox" />{" "}
          Order it all the same: the nodes plan again with the disks that they have then
        </label>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Cancel</button>
          <button type="submit" class="danger">Overwrite and deploy</button>
        </div>
      </form>
    </dialog>
  );
}

function NowChoice() {
  return (
    <label>
      <input name="now" type="checkbox" />{" "}
      Now: the agents that run on these nodes restart them into the installer
    </label>
  );
}

function RestoreDialog() {
  return (
    <dialog id="restore-dialog" aria-labelledby="restore-title">
      <form>
        <h2 id="restore-title">Restore nodes</h2>
        <label>
          Restore to
          <select name="image"></select>
        </label>
        <p>
          The next time these nodes boot from the network, files that differ from the image are rewritten, and
          {" "}
          <strong>files that are not in the image are deleted</strong>. Name, addresses and keys stay.
        </p>
        <div id="restore-plans" aria-live="polite"></div>
        <label>
          Paths to leave alone, one per line, in addition to those the image keeps
          <textarea name="keep" rows={3} spellcheck={false}></textarea>
        </label>
        <label>
          <input name="dryRun" type="checkbox" /> Dry run: only show what would change
        </label>
        <label>
          <input name="everyBoot" type="checkbox" /> At every network boot, until it is cancelled
        </label>
        <NowChoice />
        <label id="restore-anyway" hidden>
          <input name="anyway" type="checkbox" />{" "}
          Order it all the same: the nodes plan again with the disks that they have then
        </label>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Cancel</button>
          <button type="submit" class="danger">Restore</button>
        </div>
      </form>
    </dialog>
  );
}

function BackupDialog() {
  return (
    <dialog id="backup-dialog" aria-labelledby="backup-title">
      <form>
        <h2 id="backup-title">Back up nodes</h2>
        <p>
          Each backup is a new version of an image named after its node. If no agent runs on a node, its disks
          are read at its next network boot, and <strong>nothing is written to them</strong>.
        </p>
        <ul id="backup-nodes"></ul>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Cancel</button>
          <button type="submit" class="primary">Back up</button>
        </div>
      </form>
    </dialog>
  );
}

function CaptureDialog() {
  return (
    <dialog id="capture-dialog" aria-labelledby="capture-title">
      <form>
        <h2 id="capture-title">
          Capture <span id="capture-template"></span>
        </h2>
        <label>
          Image name
          <input
            name="image"
            required
            pattern="[a-z0-9][a-z0-9._\-]{0,62}"
            autocomplete="off"
            spellcheck={false}
            aria-describedby="capture-image-hint"
          />
          <small id="capture-image-hint">
            Lower-case letters, digits and . _ - ; an existing image gets a new version.
          </small>
        </label>
        <label>
          Compression level (1 fast to 19 small)
          <input name="level" type="number" min="1" max="19" value="9" required />
        </label>
        <label>
          Paths to leave out, one pattern per line, e.g. /srv/cache/**
          <textarea name="excludes" rows={3} spellcheck={false}></textarea>
        </label>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Cancel</button>
          <button type="submit" class="primary">Capture</button>
        </div>
      </form>
    </dialog>
  );
}
