/** Dialogs of a version: its tags, its note, and its deletion. */
import type { ImageView } from "#contract/api.ts";
import type { TagView, VersionUses } from "#contract/api/image_tags.ts";
import { call, segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText } from "../../messages/figures.ts";
import { attempt } from "../../parts/attempt.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note as tell } from "../../parts/notes.tsx";
import { Refused } from "../../parts/problem.tsx";
import { rangesOf } from "../../search/name_ranges.ts";
import { refOf } from "./facts.ts";
import { t } from "./messages.ts";

interface Props {
  readonly version: Pick<ImageView, "image" | "version" | "note" | "stored">;
  readonly onClose: () => void;
}

/** `known`: tags that the image has, to be moved. */
export function TagDialog({ version, known, onClose }: Props & { known: readonly string[] }) {
  const ref = refOf(version);
  const set = async (form: FormData) => {
    const tag = String(form.get("tag")).trim();
    const path = `/images/${segment(version.image)}/tags/${segment(tag)}`;
    const { tag: name } = await call<TagView>("PUT", path, { body: { version: version.version } });
    tell(t("tagged", { tag: `${version.image}@${name}`, ref }));
  };
  return (
    <Dialog title={t("tagTitle", { ref })} action={t("setTag")} onSubmit={set} onClose={onClose}>
      <label class="field">
        {t("tagName")}
        <input
          name="tag"
          required
          maxLength={32}
          pattern="[a-z][a-z0-9._\-]*"
          list="known-tags"
          placeholder="stable"
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <datalist id="known-tags">{known.map((tag) => <option key={tag} value={tag} />)}</datalist>
      <p class="dim">{t("tagHint", { name: `${version.image}@stable` })}</p>
      <Command line={commandLine("rackseed", "image", "tag", ref, "stable")} />
    </Dialog>
  );
}

export async function removeTag(image: string, tag: string): Promise<void> {
  await attempt(async () => {
    await call("DELETE", `/images/${segment(image)}/tags/${segment(tag)}`);
    return t("untagged", { tag: `${image}@${tag}` });
  });
}

export function NoteDialog({ version, onClose }: Props) {
  const ref = refOf(version);
  const save = async (form: FormData) => {
    await call("PUT", `/images/${segment(ref)}/note`, { body: { note: String(form.get("note")).trim() } });
    tell(t("noted"));
  };
  return (
    <Dialog title={t("noteTitle", { ref })} action={common("save")} onSubmit={save} onClose={onClose}>
      <label class="field">
        {t("noteLabel")}
        <input name="note" maxLength={500} defaultValue={version.note ?? ""} autocomplete="off" />
      </label>
    </Dialog>
  );
}

/** Says what depends on the version; deletes it only if that is nothing. */
export function DeleteDialog({ version, onClose, onDeleted }: Props & { onDeleted?: () => void }) {
  const ref = refOf(version);
  const uses = useResource<VersionUses>(`/images/${segment(ref)}/uses`);
  const isFree = uses.value !== undefined && Object.values(uses.value).every((names) => names.length === 0);
  const remove = async () => {
    await call("DELETE", `/images/${segment(ref)}`);
    tell(t("deleted", { ref }));
    onDeleted?.();
  };
  return (
    <Dialog
      title={t("deleteTitle", { ref })}
      onClose={onClose}
      isDangerous
      onSubmit={remove}
      {...isFree ? { action: common("delete") } : {}}
    >
      {uses.refusal && <Refused refusal={uses.refusal} reload={uses.reload} />}
      {!uses.value && !uses.refusal && <p>{common("loading")}</p>}
      {uses.value && isFree && <p>{t("deleteFrees", { bytes: bytesText(version.stored.own) })}</p>}
      {uses.value && !isFree && (
        <>
          <p class="problem">{t("cannotDelete")}</p>
          <Uses uses={uses.value} />
        </>
      )}
    </Dialog>
  );
}

const NODE_USES = { ordered: "usedOrdered", installed: "usedInstalled", everyBoot: "usedEveryBoot" } as const;

function Uses({ uses }: { uses: VersionUses }) {
  const kinds = Object.entries(NODE_USES) as [
    keyof typeof NODE_USES,
    typeof NODE_USES[keyof typeof NODE_USES],
  ][];
  return (
    <dl class="uses">
      {kinds.filter(([kind]) => uses[kind].length > 0).map(([kind, text]) => (
        <div key={kind}>
          <dt>{t(text)}</dt>
          <dd>{rangesOf(uses[kind]).join(", ")}</dd>
        </div>
      ))}
      {uses.schedules.length > 0 && (
        <div>
          <dt>{t("usedSchedules")}</dt>
          <dd>
            <a href="/schedules">{uses.schedules.join(", ")}</a>
          </dd>
        </div>
      )}
      {uses.tags.length > 0 && (
        <div>
          <dt>{t("usedTags")}</dt>
          <dd>{uses.tags.join(", ")}</dd>
        </div>
      )}
    </dl>
  );
}
