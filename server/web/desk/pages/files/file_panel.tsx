/** One entry: all that is known of it, and its content for those who may read it. */
import { useState } from "preact/hooks";
import type { FileDetails } from "#contract/api/files.ts";
import { MAX_TEXT_BYTES } from "#contract/change_kinds.ts";
import { modeText } from "../../../../words/mode_text.ts";
import { Refusal, segment, send } from "../../api/call.ts";
import { bytesText, countText, exactTime } from "../../messages/figures.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Refused } from "../../parts/problem.tsx";
import { t } from "./messages.ts";
import { pathQuery, pathText } from "./paths.ts";

export function FilePanel({ image, file }: { image: string; file: FileDetails }) {
  const isFile = file.type === "file" || file.type === "link";
  return (
    <section class="file-panel" aria-labelledby="file">
      <h2 id="file">{file.name}</h2>
      <dl class="figures">
        {factsOf(image, file).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {isFile && (mayAdminister()
        ? <Content key={pathQuery(file.path)} image={image} file={file} />
        : <p class="dim">{t("onlyAdmins")}</p>)}
      {isFile && typeof file.path === "string" && (
        <Command line={commandLine("rackseed", "image", "cat", image, pathText(file.path))} />
      )}
    </section>
  );
}

function factsOf(image: string, file: FileDetails) {
  const { type, target, leadsTo, sizeBytes, storedBytes, device, flags, attributes = [] } = file;
  const end = leadsTo === undefined
    ? t("nowhere")
    : <a href={`/images/${segment(image)}/files?${pathQuery(leadsTo)}`}>{pathText(leadsTo)}</a>;
  return [
    [t("type"), t(type)],
    ...target === undefined ? [] : [[t("target"), type === "link" ? `/${target}` : target]],
    ...type === "symlink" ? [[t("leadsTo"), end]] : [],
    [t("mode"), `${modeText(file)} (${file.mode.toString(8).padStart(4, "0")})`],
    [t("owner"), `${file.uid}:${file.gid}`],
    ...sizeBytes === undefined
      ? []
      : [[t("size"), `${bytesText(sizeBytes)} (${t("bytes", { n: countText(sizeBytes) })})`]],
    ...storedBytes === undefined || storedBytes === sizeBytes
      ? []
      : [[t("stored"), t("holes", { bytes: bytesText(storedBytes) })]],
    ...device ? [[t("device"), device.join(":")]] : [],
    [t("changed"), timeText(file)],
    ...flags === undefined ? [] : [[t("flags"), flags]],
    ...attributes.map(({ name, sizeBytes, value }) => [
      t("attribute", { name }),
      value === undefined ? t("bytes", { n: sizeBytes }) : <code>{valueText(value)}</code>,
    ]),
  ] as const;
}

/** Beyond what a Date holds, the seconds. */
export function timeText({ mtimeSec }: { mtimeSec: number }): string {
  const time = new Date(mtimeSec * 1000);
  return Number.isNaN(time.getTime()) ? `${mtimeSec} s` : exactTime(time.toISOString());
}

/** Labels are text, others bytes. */
function valueText(base64: string): string {
  const text = atob(base64).replace(/\0$/, "");
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  return `0x${[...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("")}`;
}

/** Others than its owner and group may not read it. */
function isPrivate({ mode }: { mode: number }): boolean {
  return (mode & 0o004) === 0;
}

/** Nothing is read before somebody asks for it: reading is audited, and screens are looked at by others. */
function Content({ image, file }: { image: string; file: FileDetails }) {
  const [shown, setShown] = useState<{ readonly text: string | undefined }>();
  const [refusal, setRefusal] = useState<Refusal>();
  const path = `/images/${segment(image)}/content?${pathQuery(file.path)}`;
  const isLarge = (file.sizeBytes ?? 0) > MAX_TEXT_BYTES;
  const show = async () => {
    setRefusal(undefined);
    try {
      const bytes = new Uint8Array(await (await send("GET", path)).arrayBuffer());
      setShown({ text: textOf(bytes) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefusal(error);
    }
  };
  return (
    <>
      {isPrivate(file) && <p class="warn">⚠ {t("isPrivate")}</p>}
      <p class="dim">{t("audited")}{isLarge && ` ${t("isLarge")}`}</p>
      <div class="bar">
        {!isLarge && !shown && (
          <button type="button" onClick={() => void show()}>
            {isPrivate(file) ? t("showAnyway") : t("show")}
          </button>
        )}
        <a class="button" href={`/api/v1${path}`} download={file.name}>{t("download")}</a>
      </div>
      {refusal && <Refused refusal={refusal} />}
      {shown && (shown.text === undefined ? <p role="status">{t("isBinary")}</p> : (
        <pre
          class="file-content"
          tabIndex={0}
          aria-label={t("content", { name: file.name })}
        >{shown.text}</pre>
      ))}
    </>
  );
}

/** Undefined if it is not text. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
