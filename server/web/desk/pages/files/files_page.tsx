/** The files of a version: a tree of folders, one folder's entries, a search, and one entry with its content. */
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import type { FileDetails, FileView, FoundFiles } from "#contract/api/files.ts";
import { modeText } from "../../../../words/mode_text.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText } from "../../messages/figures.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { FilePanel, timeText } from "./file_panel.tsx";
import { FolderTree } from "./folder_tree.tsx";
import { t } from "./messages.ts";
import { usePages } from "./pages.ts";
import { folderOf, isSamePath, partsOf, pathOf, pathQuery, pathText } from "./paths.ts";

/** While somebody types, the search waits this long. */
const PAUSE_MS = 250;

/** `image`: NAME@VERSION; the address's query has the path of a folder or of an entry. */
export function FilesPage({ image = "" }: { image?: string }) {
  const { query } = useLocation();
  const path = pathOf(query), api = `/images/${segment(image)}`;
  const entry = useResource<FileDetails>(`${api}/file?${pathQuery(path)}`);
  const [name = image] = image.split("@");
  const trail = [
    { href: "/images", text: t("images") },
    { href: `/images/${segment(name)}`, text: name },
    { href: `/images/${segment(image)}`, text: image },
  ];
  const isFolder = entry.value?.type === "directory";
  const folder = !entry.value ? undefined : isFolder ? path : folderOf(path);
  return (
    <Page title={t("title", { ref: image })} trail={trail}>
      <Crumbs image={image} path={path} />
      {entry.refusal && <Refused refusal={entry.refusal} reload={entry.reload} />}
      <div class="browser">
        <FolderTree image={image} here={folder ?? path} />
        <div>
          {entry.value && !isFolder && <FilePanel image={image} file={entry.value} />}
          {folder !== undefined && (
            <Folder
              key={pathQuery(folder)}
              image={image}
              path={folder}
              entry={path}
            />
          )}
        </div>
      </div>
    </Page>
  );
}

function Crumbs({ image, path }: { image: string; path: FileView["path"] }) {
  const parts = [{ name: "/", path: "" as FileView["path"] }, ...partsOf(path)];
  return (
    <nav class="crumbs" aria-label={t("where")}>
      <ol>
        {parts.map((part, i) => (
          <li key={pathQuery(part.path)}>
            <a
              href={`/images/${segment(image)}/files?${pathQuery(part.path)}`}
              aria-current={i === parts.length - 1 ? "page" : undefined}
            >
              {part.name}
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** `entry`: the one that is shown beside it. */
function Folder({ image, path, entry }: { image: string; path: FileView["path"]; entry: FileView["path"] }) {
  const [typed, setTyped] = useState("");
  const [wanted, setWanted] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setWanted(typed.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const line = ["rackseed", "image", "files", image, pathText(path)];
  return (
    <>
      <form class="file-search" role="search" onSubmit={(event) => event.preventDefault()}>
        <input
          type="search"
          aria-label={t("search")}
          placeholder={t("searchHint")}
          maxLength={255}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </form>
      {wanted === ""
        ? <Entries image={image} path={path} entry={entry} />
        : <Found image={image} path={path} name={wanted} />}
      {typeof path === "string" && (
        <Command line={commandLine(...line, ...wanted === "" ? [] : ["--find", wanted])} />
      )}
    </>
  );
}

function Entries({ image, path, entry }: { image: string; path: FileView["path"]; entry: FileView["path"] }) {
  const { pages, refusal, more } = usePages<FileView[]>(`/images/${segment(image)}/files?${pathQuery(path)}`);
  if (refusal) return <Refused refusal={refusal} />;
  if (!pages) return <p>{common("loading")}</p>;
  const files = pages.flat();
  if (files.length === 0) return <p class="empty">{t("empty")}</p>;
  return (
    <>
      <Table image={image} files={files} entry={entry} nameOf={({ name }) => name} />
      {more && <button type="button" onClick={more}>{common("more")}</button>}
    </>
  );
}

function Found({ image, path, name }: { image: string; path: FileView["path"]; name: string }) {
  const { value, refusal } = useResource<FoundFiles>(
    `/images/${segment(image)}/find?${pathQuery(path)}&name=${encodeURIComponent(name)}&limit=500`,
  );
  if (refusal) return <Refused refusal={refusal} />;
  if (!value) return <p>{common("loading")}</p>;
  const { found, isCut } = value;
  return (
    <>
      <p role="status">
        {isCut
          ? t("isCut", { n: found.length })
          : found.length === 0
          ? t("nothing")
          : t("found", { n: found.length })}
      </p>
      {found.length > 0 && <Table image={image} files={found} nameOf={(file) => pathText(file.path)} />}
    </>
  );
}

interface TableProps {
  readonly image: string;
  readonly files: readonly FileView[];
  readonly entry?: FileView["path"];
  readonly nameOf: (file: FileView) => string;
}

function Table({ image, files, entry, nameOf }: TableProps) {
  return (
    <div class="scroll">
      <table class="entries">
        <thead>
          <tr>
            {(["name", "size", "mode", "owner", "changed"] as const).map((key) => (
              <th scope="col" key={key} class={key}>{t(key)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <tr key={pathQuery(file.path)}>
              <th scope="row" class="name">
                <span class="kind" aria-hidden="true">{SIGNS[file.type]}</span>
                <a
                  href={`/images/${segment(image)}/files?${pathQuery(file.path)}`}
                  aria-current={entry !== undefined && isSamePath(entry, file.path) ? "true" : undefined}
                >
                  {nameOf(file)}
                  <span class="hidden">, {t(file.type)}</span>
                </a>
                {file.target !== undefined && (
                  <small>{file.type === "link" ? `= /${file.target}` : `→ ${file.target}`}</small>
                )}
              </th>
              <td class="size">
                {sizeText(file)}
                {file.below && <small>{t("entries", { n: file.below.entries })}</small>}
              </td>
              <td class="mode">
                <code>{modeText(file)}</code>
                {file.xattrs && <small>{file.xattrs.join(", ")}</small>}
              </td>
              <td class="owner">{file.uid}:{file.gid}</td>
              <td class="changed">{timeText(file)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SIGNS: Readonly<Record<FileView["type"], string>> = {
  directory: "▸",
  file: "·",
  link: "=",
  symlink: "→",
  char: "#",
  block: "#",
  fifo: "|",
};

function sizeText({ sizeBytes, below, device }: FileView): string {
  if (device) return device.join(":");
  const bytes = below?.fileBytes ?? sizeBytes;
  return bytes === undefined ? "–" : bytesText(bytes);
}
