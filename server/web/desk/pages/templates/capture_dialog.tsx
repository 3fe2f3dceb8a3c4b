/** Orders the capture of a template. */
import { useState } from "preact/hooks";
import type { CaptureView, ImageView, TemplateView } from "#contract/api.ts";
import { call } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { captures } from "../../live/state.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { t } from "./messages.ts";

const DEFAULT_LEVEL = 9;

interface Props {
  readonly template: TemplateView;
  /** Proposed; absent: what was captured from it last. */
  readonly image?: string;
  readonly onClose: () => void;
}

export function CaptureDialog({ template, image: proposed, onClose }: Props) {
  const { name, id, lacks } = template;
  const images = useResource<ImageView[]>("/images");
  const last = captures.value.find((capture) => capture.template === name)?.image;
  const [image, setImage] = useState(proposed ?? last ?? "");
  const [level, setLevel] = useState(DEFAULT_LEVEL);
  const [excludes, setExcludes] = useState<readonly string[]>([]);
  const [force, setForce] = useState(false);
  const known = images.value?.filter(({ backupOf }) => backupOf === undefined) ?? [];
  const newest = known.filter((one) => one.image === image).reduce(
    (max, { version }) => Math.max(max, version),
    0,
  );
  const start = async () => {
    const { image: began } = await call<CaptureView>("POST", "/captures", {
      body: { template: id, image: image.trim(), level, excludes, ...force && { force } },
      headers: { "idempotency-key": crypto.randomUUID() },
    });
    note(t("started", { image: began }));
  };
  const words = [
    ...["--image", image || "NAME"],
    ...level === DEFAULT_LEVEL ? [] : ["--level", String(level)],
    ...excludes.flatMap((pattern) => ["--exclude", pattern]),
    ...force ? ["--force"] : [],
  ];
  return (
    <Dialog title={t("captureName", { name })} action={t("start")} onSubmit={start} onClose={onClose}>
      <label class="field">
        {t("image")}
        <input
          name="image"
          required
          pattern="[a-z0-9][a-z0-9._\-]{0,62}"
          list="known-images"
          value={image}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => setImage(currentTarget.value)}
        />
      </label>
      <datalist id="known-images">
        {[...new Set(known.map((one) => one.image))].map((name) => <option key={name} value={name} />)}
      </datalist>
      {image !== "" && (
        <p class="dim">{newest > 0 ? t("newVersion", { image, n: String(newest + 1) }) : t("newImage")}</p>
      )}
      <label class="field">
        {t("level")}
        <input
          type="number"
          name="level"
          min={1}
          max={19}
          required
          value={level}
          aria-describedby="level-hint"
          onInput={({ currentTarget }) => setLevel(currentTarget.valueAsNumber || DEFAULT_LEVEL)}
        />
      </label>
      <p class="dim" id="level-hint">{t("levelHint")}</p>
      <label class="field">
        {t("excludes")}
        <textarea
          name="excludes"
          rows={3}
          spellcheck={false}
          placeholder="/srv/scratch"
          aria-describedby="excludes-hint"
          onInput={({ currentTarget: { value } }) =>
            setExcludes(value.split("\n").map((line) => line.trim()).filter(Boolean))}
        />
      </label>
      <p class="dim" id="excludes-hint">{t("excludesHint")}</p>
      {lacks.length > 0 && (
        <>
          <p class="warn">{t("obstacles")}</p>
          <ul class="bullets">{lacks.map((what) => <li key={what}>{what}</li>)}</ul>
          <label class="field">
            <input type="checkbox" checked={force} onClick={() => setForce(!force)} /> {t("force")}
          </label>
        </>
      )}
      <Command line={commandLine("rackseed", "capture", name, ...words)} />
    </Dialog>
  );
}
