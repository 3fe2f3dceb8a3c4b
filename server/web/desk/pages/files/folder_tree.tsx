/** The folders of a version as a tree; each is asked for when it is opened. */
import { useEffect, useState } from "preact/hooks";
import type { FilePath, FileView } from "#contract/api/files.ts";
import { segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { t } from "./messages.ts";
import { usePages } from "./pages.ts";
import { isSamePath, partsOf, pathQuery } from "./paths.ts";

interface Props {
  readonly image: string;
  /** The folder that is shown. */
  readonly here: FilePath;
}

export function FolderTree({ image, here }: Props) {
  return (
    <nav class="folders" aria-label={t("folders")}>
      <Branches image={image} here={here} path="" />
    </nav>
  );
}

function Branches({ image, here, path }: Props & { path: FilePath }) {
  const { pages, more } = usePages<FileView[]>(`/images/${segment(image)}/files?${pathQuery(path)}`);
  if (!pages) return <p class="dim">{common("loading")}</p>;
  const folders = pages.flat().filter(({ type }) => type === "directory");
  return (
    <ul>
      {folders.map((folder) => (
        <Branch key={pathQuery(folder.path)} image={image} here={here} folder={folder} />
      ))}
      {more && (
        <li>
          <button type="button" class="plain" onClick={more}>{common("more")}</button>
        </li>
      )}
    </ul>
  );
}

function Branch({ image, here, folder: { name, path, below } }: Props & { folder: FileView }) {
  const isAround = partsOf(here).some((part) => isSamePath(part.path, path));
  const [isOpen, setIsOpen] = useState(isAround);
  useEffect(() => {
    if (isAround) setIsOpen(true);
  }, [isAround]);
  return (
    <li>
      <div class="branch">
        {below?.entries
          ? (
            <button
              type="button"
              class="plain twist"
              aria-expanded={isOpen}
              aria-label={t("open", { name })}
              onClick={() => setIsOpen(!isOpen)}
            >
              {isOpen ? "▾" : "▸"}
            </button>
          )
          : <span class="twist" />}
        <a
          href={`/images/${segment(image)}/files?${pathQuery(path)}`}
          aria-current={isSamePath(here, path) ? "page" : undefined}
        >
          {name}
        </a>
      </div>
      {isOpen && <Branches image={image} here={here} path={path} />}
    </li>
  );
}
