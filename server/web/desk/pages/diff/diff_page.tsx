/** What differs between two versions, as a tree: counts for each folder, and what changed in a text file. */
import { useState } from "preact/hooks";
import type { ChangeCounts, ChangeKind, DiffFolder, DiffRow, FilePath } from "#contract/api/files.ts";
import { CHANGE_KINDS as KINDS } from "#contract/change_kinds.ts";
import { segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, countText } from "../../messages/figures.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { usePages } from "../files/pages.ts";
import { pathQuery } from "../files/paths.ts";
import { t } from "./messages.ts";
import { TextChange } from "./text_change.tsx";

interface Versions {
  readonly from: string;
  readonly to: string;
}

/** `image`: NAME@VERSION; `to`: NAME@VERSION, or the number of a version of the same image. */
export function DiffPage({ image = "", to = "" }: { image?: string; to?: string }) {
  const [name = image] = image.split("@");
  const versions = { from: image, to: /^\d+$/.test(to) ? `${name}@${to}` : to };
  // a time alone is seldom of interest: every upgrade touches folders
  const [kinds, setKinds] = useState<ReadonlySet<ChangeKind>>(
    new Set(KINDS.filter((kind) => kind !== "time")),
  );
  const { pages, refusal } = usePages<DiffFolder>(folderPath(versions, "", KINDS, 1));
  const whole = pages?.[0];
  const trail = [
    { href: "/images", text: t("images") },
    { href: `/images/${segment(name)}`, text: name },
    { href: `/images/${segment(versions.to)}`, text: versions.to },
  ];
  const chosen = KINDS.filter((kind) => kinds.has(kind));
  return (
    <Page title={t("title", versions)} trail={trail}>
      {refusal && <Refused refusal={refusal} />}
      {!refusal && !whole && <p>{common("loading")}</p>}
      {whole && (
        <>
          <p>
            {whole.changes === 0
              ? t("same")
              : t("about", { n: whole.changes, bytes: bytesText(whole.newBytes) })}
          </p>
          <Kinds counts={whole.counts} chosen={kinds} onChange={setKinds} />
          <section class="diff" aria-label={t("changes")}>
            {chosen.length > 0 && whole.changes > 0 && (
              <Rows key={chosen.join()} versions={versions} path="" kinds={chosen} />
            )}
            {chosen.length === 0 && <p class="empty">{t("hidden")}</p>}
          </section>
        </>
      )}
      <Command line={commandLine("rackseed", "image", "diff", versions.from, versions.to)} />
    </Page>
  );
}

function folderPath(
  { from, to }: Versions,
  path: FilePath,
  kinds: readonly ChangeKind[],
  limit = 200,
): string {
  const query = `${pathQuery(path)}&kinds=${kinds.join(",")}&limit=${limit}`;
  return `/images/${segment(from)}/diff/${segment(to)}/folder?${query}`;
}

function Kinds({ counts, chosen, onChange }: {
  counts: ChangeCounts;
  chosen: ReadonlySet<ChangeKind>;
  onChange: (kinds: ReadonlySet<ChangeKind>) => void;
}) {
  const found = KINDS.filter((kind) => (counts[kind] ?? 0) > 0);
  if (found.length === 0) return null;
  const toggle = (kind: ChangeKind) => {
    const next = new Set(chosen);
    if (!next.delete(kind)) next.add(kind);
    onChange(next);
  };
  return (
    <fieldset class="diff-kinds">
      <legend>{t("show")}</legend>
      {found.map((kind) => (
        <label key={kind}>
          <input type="checkbox" checked={chosen.has(kind)} onChange={() => toggle(kind)} /> {t(kind)}{" "}
          <span class="dim">{countText(counts[kind] ?? 0)}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface RowsProps {
  readonly versions: Versions;
  readonly path: FilePath;
  readonly kinds: readonly ChangeKind[];
}

function Rows({ versions, path, kinds }: RowsProps) {
  const { pages, refusal, more } = usePages<DiffFolder>(folderPath(versions, path, kinds));
  if (refusal) return <Refused refusal={refusal} />;
  if (!pages) return <p class="dim">{common("loading")}</p>;
  const rows = pages.flatMap((page) => page.rows);
  if (rows.length === 0) return <p class="empty">{t("hidden")}</p>;
  return (
    <ul>
      {rows.map((row) => <Row key={pathQuery(row.path)} versions={versions} row={row} kinds={kinds} />)}
      {more && (
        <li>
          <button type="button" onClick={more}>{common("more")}</button>
        </li>
      )}
    </ul>
  );
}

const SIGNS = { added: "+", removed: "−", content: "~", attributes: "·" } as const;

function Row({ versions, row, kinds }: Omit<RowsProps, "path"> & { row: DiffRow }) {
  const [isOpen, setIsOpen] = useState(false);
  const { name, type, change, bytes, what = [], below, isPrivate } = row;
  const isText = type === "file" && change !== undefined && change !== "attributes" && mayAdminister();
  const rest = what.filter((one) => !KINDS.includes(one as ChangeKind) && one !== "mtime");
  return (
    <li>
      <div class="diff-row">
        {below
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
        <span class={`sign-of ${change ?? "inside"}`} aria-hidden="true">{change ? SIGNS[change] : ""}</span>
        <span class="name">{name}{type === "directory" && "/"}</span>
        <span class="kinds-of">
          {[...row.kinds.map((kind) => t(kind)), ...rest].join(", ")}
          {bytes !== undefined && bytes > 0 && ` · ${bytesText(bytes)}`}
          {isPrivate && <span class="warn">⚠ {t("isPrivate")}</span>}
        </span>
        {below && <Counts counts={below.counts} />}
        {isText && (
          <button
            type="button"
            class="plain"
            aria-expanded={isOpen}
            aria-label={`${t("text")}: ${name}`}
            onClick={() => setIsOpen(!isOpen)}
          >
            {isOpen ? t("hideText") : t("text")}
          </button>
        )}
      </div>
      {isOpen && below && <Rows versions={versions} path={row.path} kinds={kinds} />}
      {isOpen && !below && isText && <TextChange from={versions.from} to={versions.to} row={row} />}
    </li>
  );
}

function Counts({ counts }: { counts: ChangeCounts }) {
  const { added = 0, removed = 0, content = 0 } = counts;
  const others = KINDS.filter((kind) => !["added", "removed", "content", "time"].includes(kind))
    .map((kind) => counts[kind] ?? 0).reduce((sum, n) => sum + n, 0);
  const parts = [
    ["added", "+", added, t("added")],
    ["removed", "−", removed, t("removed")],
    ["content", "~", content, t("content")],
    ["attributes", "·", others, t("xattrs")],
  ] as const;
  return (
    <span class="diff-counts">
      {parts.filter(([, , n]) => n > 0).map(([key, sign, n, word]) => (
        <span key={key} class={`sign-of ${key}`}>
          <span aria-hidden="true">{sign}</span>
          {countText(n)}
          <span class="hidden">{` ${word}`}</span>
        </span>
      ))}
    </span>
  );
}
